/** policy.yml: line numbers, validation as someone types, Tab indents (Escape returns it to the page). */
const text = document.getElementById('policy-text');
const gutter = document.querySelector('[data-gutter]');
const problems = document.getElementById('problems');
const form = text.form;

function number() {
  const lines = text.value.split('\n').length;
  const bad = new Set(
    [...problems.querySelectorAll('[data-line]')].map(({ dataset }) => Number(dataset.line)),
  );
  gutter.replaceChildren(
    ...Array.from({ length: lines }, (_, index) => {
      const line = document.createElement('span');
      line.textContent = `${index + 1}\n`;
      if (bad.has(index + 1)) line.className = 'bad';
      return line;
    }),
  );
  gutter.scrollTop = text.scrollTop;
}

let timer;
let asked = 0;
async function check() {
  asked += 1;
  const mine = asked;
  const answer = await fetch(text.dataset.problems, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(new FormData(form)),
  });
  // What was typed meanwhile has an answer of its own.
  if (mine !== asked || !answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').body;
  if (fresh.innerHTML.trim() !== problems.innerHTML.trim()) problems.replaceChildren(...fresh.childNodes);
  text.setAttribute('aria-invalid', String(problems.querySelector('.bad') !== null));
  number();
}

text.addEventListener('input', () => {
  number();
  clearTimeout(timer);
  timer = setTimeout(check, 250);
});
text.addEventListener('scroll', () => {
  gutter.scrollTop = text.scrollTop;
});
let leave = false;
text.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') leave = true;
  else if (event.key === 'Tab' && !event.shiftKey && !leave) {
    event.preventDefault();
    text.setRangeText('  ', text.selectionStart, text.selectionEnd, 'end');
    text.dispatchEvent(new Event('input'));
  } else if (event.key !== 'Tab') leave = false;
});
text.addEventListener('blur', () => {
  leave = false;
});
problems.addEventListener('click', (event) => {
  const link = event.target.closest('[data-line]');
  if (!link) return;
  event.preventDefault();
  const lines = text.value.split('\n');
  const line = Number(link.dataset.line) - 1;
  const start = lines.slice(0, line).join('\n').length + (line > 0 ? 1 : 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[line]?.length ?? 0));
  text.scrollTop = Math.max(0, (line - 5) * (text.scrollHeight / lines.length));
});
const copy = document.querySelector('[data-copy]');
if (navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text.value);
    copy.textContent = 'Copied';
    setTimeout(() => {
      copy.textContent = 'Copy';
    }, 1500);
  });
}
number();
