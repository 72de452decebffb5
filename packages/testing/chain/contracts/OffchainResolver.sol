// SPDX-License-Identifier: MIT
pragma solidity ^0.8.0;

/// A resolver whose records are with a gateway (EIP-3668, ENSIP-10), which signs what it answers.
contract OffchainResolver {
    error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData);

    string private url;
    address private immutable signer;

    constructor(string memory url_, address signer_) {
        url = url_;
        signer = signer_;
    }

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == 0x9061b923 || id == 0x01ffc9a7;
    }

    function resolve(bytes calldata name, bytes calldata data) external view returns (bytes memory) {
        string[] memory urls = new string[](1);
        urls[0] = url;
        bytes memory callData = abi.encodeWithSelector(this.resolve.selector, name, data);
        revert OffchainLookup(address(this), urls, callData, this.check.selector, data);
    }

    function check(bytes calldata response, bytes calldata data) external view returns (bytes memory) {
        (bytes memory result, uint8 v, bytes32 r, bytes32 s) =
            abi.decode(response, (bytes, uint8, bytes32, bytes32));
        bytes32 digest = keccak256(abi.encodePacked(keccak256(data), keccak256(result)));
        require(ecrecover(digest, v, r, s) == signer, "signed by somebody else");
        return result;
    }
}
