const { chat } = window;
document.querySelector('#code').textContent = await chat.code();
document.querySelector('#send').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  await chat.send(form.get('code'), form.get('text'));
});
chat.onText((text) => {
  const line = document.createElement('li');
  line.textContent = text;
  document.querySelector('#texts').append(line);
});
