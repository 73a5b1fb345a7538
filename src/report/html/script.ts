/**
 * What the page does beside lying there: it tells the figures of a chart at the place that the
 * pointer or the keyboard is at, copies the line that runs it again, and opens what is folded for
 * the printer. Plain text here, since it runs in the reader's browser; without it nothing is lost
 * but this.
 */
export const SCRIPT = `
'use strict';
for (const figure of document.querySelectorAll('.chart')) {
  const svg = figure.querySelector('svg');
  const tip = figure.querySelector('.tip');
  const line = figure.querySelector('.cursor');
  const data = JSON.parse(figure.querySelector('script').textContent);
  const { width, height } = svg.viewBox.baseVal;
  const across = data.a === 'x';
  const unit = data.u === '' ? '' : data.u === '%' ? ' %' : ' ' + data.u;
  const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });
  let at = -1;
  const row = (i) => {
    const value = data.v[i][at];
    const item = document.createElement('span');
    const name = document.createElement('span');
    const key = document.createElement('i');
    key.className = 'key ' + data.c[i];
    name.append(key, data.n[i]);
    item.append(name, value === null ? '-' : number.format(value) + unit);
    return item;
  };
  const hide = () => {
    at = -1;
    figure.classList.remove('on');
  };
  const show = (place) => {
    const next = Math.min(Math.max(place, 0), data.p.length - 1);
    if (next === at) return;
    at = next;
    const spot = data.p[at];
    const head = document.createElement('b');
    head.textContent = data.h[at];
    tip.replaceChildren(head, ...data.n.map((_, i) => row(i)));
    for (const end of across ? ['x1', 'x2'] : ['y1', 'y2']) line.setAttribute(end, spot);
    figure.classList.add('on');
    const box = svg.getBoundingClientRect();
    const scale = box.width / width;
    const left = across ? spot * scale + 12 : box.width * 0.45;
    const room = box.width - tip.offsetWidth;
    tip.style.left =
      (left <= room ? left : Math.max(Math.min(spot * scale - tip.offsetWidth - 12, room), 0)) +
      'px';
    tip.style.top = (across ? 8 : Math.min(spot * scale + 12, height * scale)) + 'px';
  };
  const nearest = (event) => {
    const box = svg.getBoundingClientRect();
    const spot = across
      ? ((event.clientX - box.left) / box.width) * width
      : ((event.clientY - box.top) / box.height) * height;
    let best = 0;
    data.p.forEach((place, i) => {
      if (Math.abs(place - spot) < Math.abs(data.p[best] - spot)) best = i;
    });
    return best;
  };
  svg.addEventListener('pointermove', (event) => show(nearest(event)));
  svg.addEventListener('pointerdown', (event) => show(nearest(event)));
  svg.addEventListener('pointerleave', hide);
  svg.addEventListener('focus', () => {
    if (svg.matches(':focus-visible')) show(0);
  });
  svg.addEventListener('blur', hide);
  svg.addEventListener('keydown', (event) => {
    const last = data.p.length - 1;
    const to = {
      ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1,
      PageDown: at + 10, PageUp: at - 10, Home: 0, End: last,
    }[event.key];
    if (event.key === 'Escape') hide();
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  });
}
for (const button of document.querySelectorAll('.copy')) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = 'Copied';
  });
}
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details')) details.open = true;
});
`;
