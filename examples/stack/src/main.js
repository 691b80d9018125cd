const list = document.querySelector('#jobs');

async function show() {
  const jobs = await (await fetch('/jobs')).json();
  list.replaceChildren(
    ...jobs.map(({ id, text, state }) => {
      const item = document.createElement('li');
      item.textContent = `${id}: ${text} (${state})`;
      return item;
    }),
  );
}

document.querySelector('#add').addEventListener('submit', async (event) => {
  event.preventDefault();
  const { value } = event.target.elements.text;
  event.target.reset();
  await fetch('/jobs', { method: 'POST', body: value });
  await show();
});

await show();
setInterval(show, 1000);
