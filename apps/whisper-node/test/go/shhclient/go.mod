module sotto/whisper-node/shhclient

go 1.19

require github.com/ethereum/go-ethereum v1.9.19
