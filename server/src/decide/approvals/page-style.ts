// How the approval page looks. One constant, because the page's policy names its hash: no other style is applied, and no
// script at all.
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --paper: #ffffff; --wash: #f6f8fa; --red: #a40e26; --green: #116329; --amber: #7d4e00; --link: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9ea7b3; --line: #3d444d; --paper: #0d1117; --wash: #161b22; --red: #ff9492; --green: #7ee787; --amber: #e3b341; --link: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
header p { margin: 0; color: var(--soft); }
h1 { margin: .2rem 0 .6rem; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .5rem; font-size: 1.05rem; }
p, ul, ol, dl { margin: .4rem 0; }
li { margin: .2rem 0; }
.status { border: 1px solid var(--line); border-left: .35rem solid var(--amber); border-radius: .3rem; background: var(--wash); padding: .6rem .9rem; }
.status.good { border-left-color: var(--green); } .status.bad { border-left-color: var(--red); }
.what > :last-child { margin-bottom: 0; } .what > :first-child { margin-top: 0; } .what + dl { padding: 0 .9rem; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .35rem 1rem; }
dt { color: var(--soft); overflow-wrap: anywhere; } dd { margin: 0; overflow-wrap: anywhere; }
pre { margin: 0; font: .9rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
.what { border: 1px solid var(--line); border-radius: .3rem; padding: .7rem .9rem; background: var(--wash); }
table { width: 100%; border-collapse: collapse; } caption { text-align: left; color: var(--soft); }
td:first-child, th { white-space: nowrap; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { font-weight: 600; }
details summary { cursor: pointer; color: var(--link); }
form { border: 1px solid var(--line); border-radius: .3rem; padding: 1rem; margin-top: 2rem; }
form h2 { margin-top: 0; } label { display: block; margin: .7rem 0 .2rem; }
textarea, select { width: 100%; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--soft); border-radius: .3rem; padding: .45rem .6rem; }
.choices { display: flex; flex-wrap: wrap; gap: .8rem; margin-top: 1rem; }
button { font: inherit; font-weight: 600; padding: .6rem 1.4rem; border-radius: .3rem; border: 2px solid; background: var(--paper); cursor: pointer; }
button.approve { color: var(--green); border-color: var(--green); } button.deny { color: var(--red); border-color: var(--red); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.red { color: var(--red); } .green { color: var(--green); } .yellow { color: var(--amber); }
details.edit { margin-top: 1.2rem; } form.plain { border: 0; padding: 0; } textarea.json { font: .9rem/1.5 ui-monospace, monospace; }
dl.changes { display: block; } dl.changes dt { margin-top: .8rem; } .was span, .now span { color: var(--soft); font-size: .85rem; }
.was pre, .now pre { padding: .3rem .6rem; border-left: .25rem solid var(--red); background: var(--wash); } .now pre { border-left-color: var(--green); }
footer { margin-top: 2.5rem; color: var(--soft); font-size: .9rem; }
@media (max-width: 32rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } button { flex: 1; } }
@media print { form, details.edit, details summary { display: none; } body { font-size: 11pt; } details > *:not(summary) { display: block; } }
`;
