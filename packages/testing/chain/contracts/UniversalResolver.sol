// SPDX-License-Identifier: MIT
pragma solidity ^0.8.0;

interface Registry {
    function resolver(bytes32 node) external view returns (address);
}

interface Records {
    function name(bytes32 node) external view returns (string memory);
    function addr(bytes32 node) external view returns (address);
}

/// The part of ENS's Universal Resolver that tests need, as no package has the real one: names on the chain, no gateways.
contract UniversalResolver {
    error ResolverNotFound(bytes name);
    error ResolverError(bytes errorData);
    error ReverseAddressMismatch(string primary, bytes primaryAddress);

    Registry private immutable registry;

    constructor(Registry registry_) {
        registry = registry_;
    }

    function findResolver(bytes memory name) public view returns (address resolver, bytes32 node, uint256 offset) {
        node = namehash(name, 0);
        resolver = registry.resolver(node);
        offset = 0;
    }

    function resolveWithGateways(bytes memory name, bytes memory data, string[] memory)
        external
        view
        returns (bytes memory result, address resolver)
    {
        (resolver,,) = findResolver(name);
        if (resolver == address(0)) revert ResolverNotFound(name);
        bool done;
        (done, result) = resolver.staticcall(data);
        if (!done) revert ResolverError(result);
    }

    function reverseWithGateways(bytes memory lookupAddress, uint256, string[] memory)
        external
        view
        returns (string memory name, address resolver, address reverseResolver)
    {
        bytes memory reverseName = abi.encodePacked(uint8(40), digits(lookupAddress), "\x04addr\x07reverse\x00");
        bytes32 node;
        (reverseResolver, node,) = findResolver(reverseName);
        if (reverseResolver == address(0)) revert ResolverNotFound(reverseName);
        name = Records(reverseResolver).name(node);
        (resolver, node,) = findResolver(packet(bytes(name)));
        address back = resolver == address(0) ? address(0) : Records(resolver).addr(node);
        if (keccak256(abi.encodePacked(back)) != keccak256(lookupAddress)) {
            revert ReverseAddressMismatch(name, abi.encodePacked(back));
        }
    }

    function namehash(bytes memory name, uint256 at) private pure returns (bytes32) {
        uint256 length = uint8(name[at]);
        if (length == 0) return bytes32(0);
        bytes memory label = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            label[i] = name[at + 1 + i];
        }
        return keccak256(abi.encodePacked(namehash(name, at + 1 + length), keccak256(label)));
    }

    function digits(bytes memory value) private pure returns (bytes memory text) {
        bytes16 alphabet = "0123456789abcdef";
        text = new bytes(2 * value.length);
        for (uint256 i = 0; i < value.length; i++) {
            text[2 * i] = alphabet[uint8(value[i]) >> 4];
            text[2 * i + 1] = alphabet[uint8(value[i]) & 15];
        }
    }

    /// A name as in a DNS packet.
    function packet(bytes memory name) private pure returns (bytes memory encoded) {
        encoded = abi.encodePacked(uint8(0), name, uint8(0));
        uint256 length = 0;
        for (uint256 at = name.length; at > 0; at--) {
            if (name[at - 1] == ".") {
                encoded[at] = bytes1(uint8(length));
                length = 0;
            } else {
                length++;
            }
        }
        encoded[0] = bytes1(uint8(length));
    }
}
