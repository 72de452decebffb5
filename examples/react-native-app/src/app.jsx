import AsyncStorage from '@react-native-async-storage/async-storage';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { useEffect, useState } from 'react';
import { FlatList, SafeAreaView, Text, TextInput } from 'react-native';
import { openSession } from './session.js';

const RELAY_URL = 'wss://node.example/';

export function App() {
  const [lines, setLines] = useState([]);
  const [session, setSession] = useState();
  useEffect(() => {
    const transport = createSealedTransport(createRelayCarrier({ url: RELAY_URL }));
    const opened = openSession({
      storage: AsyncStorage,
      transport,
      onText: (text, from) => setLines((before) => [...before, { text, from }]),
    });
    void opened.then(setSession);
    return () => void opened.then(({ close }) => close());
  }, []);
  return (
    <SafeAreaView>
      <Text selectable>{session?.code ?? 'Opening...'}</Text>
      <TextInput
        placeholder="Contact code of somebody"
        onSubmitEditing={({ nativeEvent: { text } }) => session.hello(text)}
      />
      <FlatList
        data={lines}
        keyExtractor={(_, i) => `${i}`}
        renderItem={({ item }) => <Text>{item.text}</Text>}
      />
    </SafeAreaView>
  );
}
