export default {
  entry: './main.js',
  output: { path: `${import.meta.dirname}/webpack-dist`, filename: 'main.js' },
};
