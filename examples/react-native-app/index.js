// What React Native may lack, before anything else.
import 'react-native-get-random-values';
import 'text-encoding-polyfill';
import { AppRegistry } from 'react-native';
import { App } from './src/app.jsx';

AppRegistry.registerComponent('Chat', () => App);
