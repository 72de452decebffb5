// Does proof of work as a deployed node does it: with go-ethereum's own Envelope.Seal.
//
// Each line read is the size of an envelope's data in bytes and the bits of zero to reach; the answer is how many
// hashes that took, over as many envelopes as make a hundred thousand of them or more.
package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"math"
	"os"
	"runtime"

	"github.com/ethereum/go-ethereum/whisper/whisperv6"
)

const (
	atLeast = 100000
	ttl     = 15
)

func main() {
	runtime.GOMAXPROCS(1)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var size, bits int
		if _, err := fmt.Sscan(lines.Text(), &size, &bits); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		hashes, err := seal(size, bits)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(hashes)
	}
}

func seal(size, bits int) (uint64, error) {
	var hashes uint64
	for hashes < atLeast {
		data := make([]byte, size)
		if _, err := rand.Read(data); err != nil {
			return 0, err
		}
		envelope := whisperv6.Envelope{Expiry: 1700000000, TTL: ttl, Data: data}
		// The target that takes so many bits, for an envelope of about this size.
		pow := math.Pow(2, float64(bits)-0.5) / float64(size+20) / ttl
		if err := envelope.Seal(&whisperv6.MessageParams{PoW: pow, WorkTime: 600}); err != nil {
			return 0, err
		}
		// It tries nonces from 0, one after the other.
		hashes += envelope.Nonce + 1
	}
	return hashes, nil
}
