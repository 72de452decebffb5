// A link between two hosts, in a process of its own: two TUN devices, and what happens to the packets between them.
//
//	link SEED FIRST SECOND
//
// It creates the devices FIRST and SECOND, and prints `ready`. Each line on stdin is a JSON object with the faults from
// then on, see type faults; it answers with what has happened to packets so far, as a line of JSON. It ends with its stdin.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// What happens to packets. A fraction of 0.01 is one packet in a hundred.
type faults struct {
	// Milliseconds that a packet takes.
	DelayMs float64 `json:"delayMs"`
	// Fractions of packets: dropped; delivered twice; with one bit inverted; delivered without delay, before earlier ones.
	Loss      float64 `json:"loss"`
	Duplicate float64 `json:"duplicate"`
	Corrupt   float64 `json:"corrupt"`
	Reorder   float64 `json:"reorder"`
	// Bytes of the largest packet that is delivered; 0 for all. Nobody is told of a larger one: a path MTU black hole.
	LargestBytes int `json:"largestBytes"`
	// Whose packets are all dropped: "first", "second", "both", or "" for neither.
	Cut string `json:"cut"`
}

// Packets so far.
type counts struct {
	Delivered  int `json:"delivered"`
	Lost       int `json:"lost"`
	Duplicated int `json:"duplicated"`
	Corrupted  int `json:"corrupted"`
	Reordered  int `json:"reordered"`
	TooLarge   int `json:"tooLarge"`
	Cut        int `json:"cut"`
}

type link struct {
	mutex  sync.Mutex
	faults faults
	counts counts
	random *rand.Rand
}

// Creates a TUN device, which carries IP packets without any header in front.
func openDevice(name string) (int, error) {
	device, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("/dev/net/tun: %w", err)
	}
	var request struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:15], name)
	request.flags = syscall.IFF_TUN | syscall.IFF_NO_PI
	_, _, errno := syscall.Syscall(
		syscall.SYS_IOCTL, uintptr(device), syscall.TUNSETIFF, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return 0, fmt.Errorf("a TUN device: %w", errno)
	}
	return device, nil
}

// Takes the packets that one host sends.
func (l *link) carry(side string, from, to int) {
	buffer := make([]byte, 65536)
	for {
		length, err := syscall.Read(from, buffer)
		if err == syscall.EINTR || err == syscall.EAGAIN || err == syscall.EIO {
			// EIO: the device is not up yet.
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			return
		}
		packet := append([]byte(nil), buffer[:length]...)
		for _, delay := range l.judge(side, packet) {
			if delay == 0 {
				syscall.Write(to, packet)
			} else {
				time.AfterFunc(delay, func() { syscall.Write(to, packet) })
			}
		}
	}
}

// Decides what happens to a packet, and inverts a bit of it where that is to happen. Returns when it is delivered: never,
// once or twice.
func (l *link) judge(side string, packet []byte) []time.Duration {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	happens := func(fraction float64, count *int) bool {
		if l.random.Float64() >= fraction {
			return false
		}
		*count++
		return true
	}
	f, c := &l.faults, &l.counts
	switch {
	case f.Cut == side || f.Cut == "both":
		c.Cut++
		return nil
	case f.LargestBytes > 0 && len(packet) > f.LargestBytes:
		c.TooLarge++
		return nil
	case happens(f.Loss, &c.Lost):
		return nil
	}
	if happens(f.Corrupt, &c.Corrupted) {
		packet[l.random.Intn(len(packet))] ^= 1 << l.random.Intn(8)
	}
	delay := time.Duration(f.DelayMs * float64(time.Millisecond))
	if happens(f.Reorder, &c.Reordered) {
		delay = 0
	}
	c.Delivered++
	if happens(f.Duplicate, &c.Duplicated) {
		return []time.Duration{delay, delay}
	}
	return []time.Duration{delay}
}

// Replaces the faults. Returns the counts.
func (l *link) set(next faults) counts {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.faults = next
	return l.counts
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: link SEED FIRST SECOND"))
	}
	seed, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		fail(err)
	}
	first, err := openDevice(os.Args[2])
	if err != nil {
		fail(err)
	}
	second, err := openDevice(os.Args[3])
	if err != nil {
		fail(err)
	}
	l := &link{random: rand.New(rand.NewSource(seed))}
	go l.carry("first", first, second)
	go l.carry("second", second, first)
	fmt.Println("ready")
	answers := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var next faults
		if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
			fail(err)
		}
		answers.Encode(l.set(next))
	}
}
