// Says to a Whisper node what go-ethereum's own client has to say, and prints what came of each call as JSON lines:
// {"call", "result"} or {"call", "error"}. What is different each time, such as ids, is told by its length.
//
//	shhclient URL
//
// By a WebSocket it subscribes as well.
package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/whisper/shhclient"
	whisper "github.com/ethereum/go-ethereum/whisper/whisperv6"
)

var (
	topic  = whisper.TopicType{1, 2, 3, 4}
	secret = bytes.Repeat([]byte{0x11}, 32)
)

type session struct {
	client *shhclient.Client
	ctx    context.Context
	out    *json.Encoder
}

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("shhclient URL"))
	}
	client, err := shhclient.Dial(os.Args[1])
	fail(err)
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	s := &session{client, ctx, json.NewEncoder(os.Stdout)}
	s.node()
	pair, peer := s.keyPairs()
	sym := s.symmetricKeys()
	s.filters(sym, pair)
	s.messages(sym, pair, peer, strings.HasPrefix(os.Args[1], "ws"))
	s.refusals(sym, pair)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tell prints the outcome of a call.
func (s *session) tell(call string, result interface{}, err error) {
	line := map[string]interface{}{"call": call, "result": result}
	if err != nil {
		line = map[string]interface{}{"call": call, "error": err.Error()}
	}
	fail(s.out.Encode(line))
}

func (s *session) node() {
	version, err := s.client.Version(s.ctx)
	s.tell("version", version, err)
	info, err := s.client.Info(s.ctx)
	s.tell("info", []interface{}{info.MinPow, info.MaxMessageSize, info.Memory >= 0, info.Messages >= 0}, err)
}

// keyPairs answers the id of a key pair, and the public key of another one that is there as well.
func (s *session) keyPairs() (string, []byte) {
	fresh, err := s.client.NewKeyPair(s.ctx)
	s.tell("newKeyPair", len(fresh), err)
	public, err := s.client.PublicKey(s.ctx, fresh)
	s.tell("getPublicKey of a new one", len(public), err)
	added, err := s.client.AddPrivateKey(s.ctx, secret)
	s.tell("addPrivateKey", len(added), err)
	again, err := s.client.AddPrivateKey(s.ctx, secret)
	s.tell("addPrivateKey again", again == added, err)
	peer, err := s.client.PublicKey(s.ctx, added)
	s.tell("getPublicKey", hex.EncodeToString(peer), err)
	private, err := s.client.PrivateKey(s.ctx, added)
	s.tell("getPrivateKey", hex.EncodeToString(private), err)
	has, err := s.client.HasKeyPair(s.ctx, fresh)
	s.tell("hasKeyPair", has, err)
	// The client wants a text where nodes answer true: it says so of both.
	_, err = s.client.DeleteKeyPair(s.ctx, fresh)
	s.tell("deleteKeyPair", nil, err)
	has, err = s.client.HasKeyPair(s.ctx, fresh)
	s.tell("hasKeyPair of a deleted one", has, err)
	return added, peer
}

func (s *session) symmetricKeys() string {
	fresh, err := s.client.NewSymmetricKey(s.ctx)
	s.tell("newSymKey", len(fresh), err)
	added, err := s.client.AddSymmetricKey(s.ctx, secret)
	s.tell("addSymKey", len(added), err)
	key, err := s.client.GetSymmetricKey(s.ctx, added)
	s.tell("getSymKey", hex.EncodeToString(key), err)
	derived, err := s.client.GenerateSymmetricKeyFromPassword(s.ctx, "a password")
	s.tell("generateSymKeyFromPassword", len(derived), err)
	key, err = s.client.GetSymmetricKey(s.ctx, derived)
	s.tell("getSymKey of a password", hex.EncodeToString(key), err)
	has, err := s.client.HasSymmetricKey(s.ctx, fresh)
	s.tell("hasSymKey", has, err)
	s.tell("deleteSymKey", nil, s.client.DeleteSymmetricKey(s.ctx, fresh))
	has, err = s.client.HasSymmetricKey(s.ctx, fresh)
	s.tell("hasSymKey of a deleted one", has, err)
	return added
}

func (s *session) filters(sym, pair string) {
	id, err := s.client.NewMessageFilter(s.ctx, whisper.Criteria{SymKeyID: sym, Topics: []whisper.TopicType{topic}})
	s.tell("newMessageFilter", len(id), err)
	messages, err := s.client.FilterMessages(s.ctx, id)
	s.tell("getFilterMessages of nothing", len(messages), err)
	s.tell("deleteMessageFilter", nil, s.client.DeleteMessageFilter(s.ctx, id))
	_, err = s.client.FilterMessages(s.ctx, id)
	s.tell("getFilterMessages of a deleted one", nil, err)
	id, err = s.client.NewMessageFilter(s.ctx, whisper.Criteria{PrivateKeyID: pair, AllowP2P: true, MinPow: 0.1})
	s.tell("newMessageFilter without topics", len(id), err)
	s.tell("deleteMessageFilter without topics", nil, s.client.DeleteMessageFilter(s.ctx, id))
}

// messages posts to a key that two share and to one that is somebody's, with and without a signature, and fetches.
func (s *session) messages(sym, pair string, peer []byte, subscribes bool) {
	bySym := whisper.Criteria{SymKeyID: sym, Topics: []whisper.TopicType{topic}}
	signed := whisper.Criteria{SymKeyID: sym, Topics: []whisper.TopicType{topic}, Sig: peer}
	byPair := whisper.Criteria{PrivateKeyID: pair}
	names := []string{"symmetric", "symmetric and signed", "asymmetric"}
	ids := make([]string, 3)
	for i, criteria := range []whisper.Criteria{bySym, signed, byPair} {
		var err error
		ids[i], err = s.client.NewMessageFilter(s.ctx, criteria)
		s.tell("newMessageFilter "+names[i], len(ids[i]), err)
	}
	heard := make(chan *whisper.Message, 10)
	if subscribes {
		subscription, err := s.client.SubscribeMessages(s.ctx, bySym, heard)
		s.tell("subscribe", nil, err)
		if err == nil {
			defer subscription.Unsubscribe()
		}
	}
	message := whisper.NewMessage{TTL: 20, Topic: topic, PowTarget: 0.01, PowTime: 5}
	posts := []func(whisper.NewMessage) whisper.NewMessage{
		func(m whisper.NewMessage) whisper.NewMessage {
			m.SymKeyID, m.Payload = sym, []byte("for all")
			return m
		},
		func(m whisper.NewMessage) whisper.NewMessage {
			m.SymKeyID, m.Sig, m.Payload = sym, pair, []byte("for all, signed")
			m.Padding = []byte{0, 1, 2, 3}
			return m
		},
		func(m whisper.NewMessage) whisper.NewMessage {
			m.PublicKey, m.Sig, m.Payload = peer, pair, []byte("for one")
			return m
		},
		func(m whisper.NewMessage) whisper.NewMessage {
			m.SymKeyID, m.Payload = sym, bytes.Repeat([]byte("x"), 5000)
			return m
		},
	}
	for i, post := range posts {
		hash, err := s.client.Post(s.ctx, post(message))
		s.tell(fmt.Sprintf("post %d", i), len(hash), err)
	}
	for i, want := range []int{3, 1, 1} {
		s.tell("messages "+names[i], s.fetch(ids[i], want), nil)
		s.tell("deleteMessageFilter "+names[i], nil, s.client.DeleteMessageFilter(s.ctx, ids[i]))
	}
	if subscribes {
		s.tell("subscription", s.listen(heard, 3), nil)
	}
}

// fetch polls until so many messages are there.
func (s *session) fetch(id string, want int) []string {
	var all []*whisper.Message
	for len(all) < want {
		messages, err := s.client.FilterMessages(s.ctx, id)
		fail(err)
		all = append(all, messages...)
		if len(all) < want {
			time.Sleep(50 * time.Millisecond)
		}
	}
	return shown(all)
}

func (s *session) listen(heard chan *whisper.Message, want int) []string {
	var all []*whisper.Message
	for len(all) < want {
		select {
		case message := <-heard:
			all = append(all, message)
		case <-s.ctx.Done():
			fail(s.ctx.Err())
		}
	}
	return shown(all)
}

// shown tells of messages what must not depend on the node.
func shown(messages []*whisper.Message) []string {
	var lines []string
	for _, m := range messages {
		padding := fmt.Sprint(len(m.Padding) > 0)
		if len(m.Padding) == 4 {
			padding = hex.EncodeToString(m.Padding)
		}
		lines = append(lines, fmt.Sprintf("%d bytes %.20q topic %x ttl %d sig %x dst %x hash %d pow %t time %t padding %s",
			len(m.Payload), m.Payload, m.Topic, m.TTL, m.Sig, m.Dst, len(m.Hash), m.PoW >= 0.01, m.Timestamp > 1e9, padding))
	}
	sort.Strings(lines)
	return lines
}

// refusals does what a node must not accept.
func (s *session) refusals(sym, pair string) {
	_, err := s.client.AddPrivateKey(s.ctx, []byte{1, 2})
	s.tell("addPrivateKey of two bytes", nil, err)
	_, err = s.client.AddPrivateKey(s.ctx, make([]byte, 32))
	s.tell("addPrivateKey of zeros", nil, err)
	_, err = s.client.AddSymmetricKey(s.ctx, secret[:31])
	s.tell("addSymKey of 31 bytes", nil, err)
	_, err = s.client.GetSymmetricKey(s.ctx, "unknown")
	s.tell("getSymKey of an unknown id", nil, err)
	_, err = s.client.PublicKey(s.ctx, "unknown")
	s.tell("getPublicKey of an unknown id", nil, err)
	_, err = s.client.PrivateKey(s.ctx, "unknown")
	s.tell("getPrivateKey of an unknown id", nil, err)
	s.tell("deleteSymKey of an unknown id", nil, s.client.DeleteSymmetricKey(s.ctx, "unknown"))
	_, err = s.client.DeleteKeyPair(s.ctx, "unknown")
	s.tell("deleteKeyPair of an unknown id", nil, err)
	s.tell("deleteMessageFilter of an unknown id", nil, s.client.DeleteMessageFilter(s.ctx, "unknown"))
	_, err = s.client.FilterMessages(s.ctx, "unknown")
	s.tell("getFilterMessages of an unknown id", nil, err)

	topics := []whisper.TopicType{topic}
	for _, one := range []struct {
		name     string
		criteria whisper.Criteria
	}{
		{"no key", whisper.Criteria{Topics: topics}},
		{"two keys", whisper.Criteria{SymKeyID: sym, PrivateKeyID: pair, Topics: topics}},
		{"a symmetric key and no topic", whisper.Criteria{SymKeyID: sym}},
		{"an unknown symmetric key", whisper.Criteria{SymKeyID: "unknown", Topics: topics}},
		{"an unknown key pair", whisper.Criteria{PrivateKeyID: "unknown"}},
		{"a signer that is no key", whisper.Criteria{SymKeyID: sym, Topics: topics, Sig: []byte{4}}},
	} {
		_, err := s.client.NewMessageFilter(s.ctx, one.criteria)
		s.tell("newMessageFilter with "+one.name, nil, err)
	}

	good := whisper.NewMessage{SymKeyID: sym, TTL: 20, Topic: topic, Payload: []byte("x"), PowTarget: 0.01, PowTime: 2}
	for _, one := range []struct {
		name string
		bad  func(m *whisper.NewMessage)
	}{
		{"no key", func(m *whisper.NewMessage) { m.SymKeyID = "" }},
		{"two keys", func(m *whisper.NewMessage) { m.PublicKey = []byte{4} }},
		{"an unknown key", func(m *whisper.NewMessage) { m.SymKeyID = "unknown" }},
		{"an unknown signer", func(m *whisper.NewMessage) { m.Sig = "unknown" }},
		{"a public key that is none", func(m *whisper.NewMessage) { m.SymKeyID, m.PublicKey = "", []byte{4, 5} }},
		{"no topic", func(m *whisper.NewMessage) { m.Topic = whisper.TopicType{} }},
		{"less work than asked for", func(m *whisper.NewMessage) { m.PowTarget = 0.0001 }},
		{"more work than there is time for", func(m *whisper.NewMessage) { m.PowTarget, m.PowTime = 1e9, 1 }},
	} {
		message := good
		one.bad(&message)
		_, err := s.client.Post(s.ctx, message)
		s.tell("post with "+one.name, nil, err)
	}
}
