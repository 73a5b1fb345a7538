/** Colours by name: on white paper, and on a dark screen. Each keeps 3:1 to its ground. */
const COLOURS: ReadonlyArray<readonly [name: string, light: string, dark: string]> = [
  ["ground", "#ffffff", "#14171c"],
  ["raised", "#f5f7fa", "#1d2229"],
  ["ink", "#1a2029", "#e6eaf0"],
  ["soft", "#566070", "#9aa6b5"],
  ["line", "#dde2e9", "#2e353f"],
  ["good", "#11734b", "#4cc38a"],
  ["bad", "#b3261e", "#ff8a80"],
  ["open", "#8a5a00", "#f0b549"],
  ["p0", "#1f6fd1", "#6cb1ff"],
  ["p1", "#c8501a", "#ff9d5c"],
  ["p2", "#0e8a62", "#45d19b"],
  ["p3", "#7a4fd0", "#b79bff"],
  ["p4", "#b02a6f", "#ff8ac4"],
  ["p5", "#6b6b00", "#d6cf4a"],
  ["o-app", "#d0430f", "#ff8b5a"],
  ["o-fallback", "#b07d00", "#e8c04a"],
  ["o-stack", "#7a4fd0", "#b79bff"],
  ["o-driver", "#5b8bd6", "#4d7cc0"],
  ["o-poolRing", "#5fa98a", "#5aa585"],
  ["o-poolCache", "#2c7d5c", "#2f8f6b"],
];

const variables = (which: 1 | 2) =>
  COLOURS.map((colour) => `--${colour[0]}:${colour[which]};`).join("");

const CLASSES = COLOURS.filter(([name]) => /^(p\d|o-)/.test(name))
  .map(([name]) => `.${name}{--c:var(--${name})}`)
  .join("");

/** The page's style: system fonts, two grounds, narrow and wide, and paper. */
export const STYLE = `
:root{color-scheme:light dark;${variables(1)}}
@media (prefers-color-scheme:dark){:root{${variables(2)}}}
${CLASSES}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);
 font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 20px}
header{padding-top:28px}
header p,footer{color:var(--soft);overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.2;margin:0;letter-spacing:-.01em}
h2{font-size:1.25rem;margin:2.4rem 0 .8rem;overflow-wrap:anywhere;
 border-bottom:1px solid var(--line);padding-bottom:.4rem}
h3{font-size:1.05rem;margin:2.2rem 0 .7rem}
p{margin:.5rem 0}
nav ul{list-style:none;margin:.8rem 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem}
a{color:var(--p0)}
:focus-visible{outline:2px solid var(--p0);outline-offset:3px;border-radius:3px}
.verdict{border-left:4px solid var(--v);background:var(--raised);padding:.7rem 1rem;
 border-radius:0 6px 6px 0;overflow-wrap:anywhere}
.verdict strong{color:var(--v);margin-right:.5em}
.verdict ul{margin:.3rem 0 0;padding-left:1.1rem}
.good{--v:var(--good)}.bad{--v:var(--bad)}.open{--v:var(--open)}
.soft{color:var(--soft);font-size:.85rem}
.notes{color:var(--soft);padding-left:1.1rem;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem 1rem;margin:1rem 0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
code,pre,.value{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
.reproduce{display:flex;gap:.6rem;align-items:flex-start;background:var(--raised);
 border-radius:6px;padding:.6rem .8rem;margin:.8rem 0 1.2rem}
.reproduce code{flex:1;min-width:0;font-size:.82rem;overflow-wrap:anywhere}
button{font:inherit;font-size:.8rem;color:var(--ink);background:var(--ground);
 border:1px solid var(--line);border-radius:5px;padding:.15rem .6rem;cursor:pointer}
pre{overflow-x:auto;background:var(--raised);padding:.8rem;border-radius:6px;font-size:.8rem}
details{margin:1rem 0}
summary{cursor:pointer;color:var(--soft)}
.scroll{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);font-size:.82rem;padding-bottom:.3rem}
th,td{padding:.22rem .8rem .22rem 0;text-align:right;white-space:nowrap;
 border-bottom:1px solid var(--line)}
th:first-child{text-align:left}
th{font-weight:500}
thead th{color:var(--soft)}
.head{margin:1rem 0}
.head dl{margin:0}
.beside,.charts{display:grid;gap:1rem 2.2rem;align-items:start;
 grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr))}
.beside>*,.charts>*{min-width:0}
figure{margin:0 0 1rem;max-width:640px}
figcaption{font-weight:500;font-size:.92rem;margin-bottom:.3rem}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem .9rem;margin:0 0 .3rem;padding:0;
 font-size:.82rem;color:var(--soft)}
.key{display:inline-block;width:.75em;height:.75em;border-radius:2px;margin-right:.4em;
 background:var(--c)}
.plot{position:relative}
svg{display:block;width:100%;height:auto;touch-action:pan-y}
.grid{stroke:var(--line);stroke-width:1;fill:none}
.base{stroke:var(--soft);stroke-width:1}
.tick,.value{fill:var(--soft);font-size:11.5px}
.value{fill:var(--ink);font-size:10px}
.end{text-anchor:end}
.mid{text-anchor:middle}
.mid.end{text-anchor:end}
.curve{fill:none;stroke:var(--c);stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}
.curve.p0{stroke-width:6}
.curve.p1{stroke-width:3.4;stroke-dasharray:11 5}
.curve.p2{stroke-width:1.5}
.curve.p3{stroke-dasharray:9 3 2 3}
.curve.p4{stroke-dasharray:1.5 4}
.dots{fill:none;stroke:var(--c);stroke-width:6;stroke-linecap:round}
.bar,.area{fill:var(--c)}
.area{stroke:var(--ground);stroke-width:.5}
.closed{stroke:var(--soft);stroke-width:1;stroke-dasharray:3 3;fill:none}
.cursor{stroke:var(--ink);stroke-width:1;opacity:0}
.on .cursor{opacity:.55}
.tip{position:absolute;z-index:2;visibility:hidden;pointer-events:none;background:var(--ink);
 color:var(--ground);font-size:.78rem;line-height:1.35;padding:.35rem .6rem;border-radius:5px;
 max-width:min(90%,320px);font-variant-numeric:tabular-nums}
.on .tip{visibility:visible}
.tip b{display:block;font-weight:600}
.tip span{display:flex;gap:.9em;justify-content:space-between;white-space:nowrap}
footer{padding:2.5rem 20px;font-size:.85rem}
@media (max-width:520px){
 main,header,footer{padding-left:14px;padding-right:14px}
 dl{grid-template-columns:minmax(0,1fr)}
 dt{margin-top:.35rem;font-size:.82rem}
 .tick{font-size:14px}.value{font-size:13px}
 th,td{padding-right:.5rem}table{font-size:.8rem}
}
@media print{
 :root{color-scheme:light;${variables(1)}}
 body{font-size:10.5pt}
 figure,.scroll,.verdict{break-inside:avoid}
 h2,h3{break-after:avoid}
 nav,button,.tip,.cursor{display:none!important}
 .scroll{overflow:visible}
 *{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
`;
