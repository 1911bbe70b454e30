// How a report looks, on a screen and on paper. One constant, because the page's policy names its hash: no other style is
// applied, and no script at all.
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --paper: #ffffff; --wash: #f6f8fa; --red: #a40e26; --green: #116329; --blue: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9ea7b3; --line: #3d444d; --paper: #0d1117; --wash: #161b22; --red: #ff9492; --green: #7ee787; --blue: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
header { border-bottom: 2px solid var(--ink); padding-bottom: .6rem; }
header p { margin: 0; color: var(--soft); }
h1 { margin: .2rem 0; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2.2rem 0 .6rem; font-size: 1.2rem; overflow-wrap: anywhere; }
h3 { margin: 1.4rem 0 .4rem; font-size: 1rem; overflow-wrap: anywhere; }
p, ul, dl { margin: .4rem 0; }
ul { padding-left: 1.3rem; } li { margin: .25rem 0; overflow-wrap: anywhere; }
.note { border: 1px solid var(--line); border-left: .35rem solid var(--blue); border-radius: .3rem; background: var(--wash); padding: .6rem .9rem; margin: .6rem 0; }
.note > p { margin: 0; font-weight: 600; } .note.good { border-left-color: var(--green); } .note.bad { border-left-color: var(--red); }
dl { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .3rem 1.2rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: .4rem 0; }
table { width: 100%; border-collapse: collapse; font-size: .94rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
th:last-child, td:last-child { padding-right: 0; }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
.figures { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } .figures + :not(.figures) { padding-left: 1rem; }
.subject { width: 32%; }
.good { color: var(--green); } .bad { color: var(--red); } .note.good, .note.bad { color: inherit; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } th { white-space: normal; } th, td { min-width: 4.5rem; } }
@page { margin: 18mm 16mm; }
@media print {
  :root { color-scheme: light; --ink: #000000; --soft: #444444; --line: #bbbbbb; --paper: #ffffff; --wash: #ffffff; --red: #a40e26; --green: #116329; --blue: #0550ae; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } table { font-size: 9pt; }
  .wide { overflow: visible; } th { white-space: normal; } th { overflow-wrap: normal; } td { overflow-wrap: anywhere; } .words { min-width: 5.4em; }
  thead { display: table-header-group; } tr, .note, dl { break-inside: avoid; } h1, h2, h3 { break-after: avoid; }
}
`;
