// The style sheet of a report.
#pragma once

namespace rho::report {

inline constexpr const char* kStyle = R"(
:root {
  color-scheme: light dark;
  --ink: #1c1c1c; --paper: #ffffff; --soft: #f3f4f6; --line: #d4d7dc; --quiet: #5a6069;
  --good: #0a6b4b; --bad: #a8330b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e6e9; --paper: #15171a; --soft: #1f2226; --line: #3a3f46; --quiet: #a2a8b1;
    --good: #4cc79c; --bad: #f59b6c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 84rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.55 system-ui, sans-serif;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .4rem; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
p { margin: .5rem 0; max-width: 46rem; }
.quiet, figcaption, caption { color: var(--quiet); }
pre {
  background: var(--soft); padding: .7rem .9rem; border-radius: .3rem; overflow-x: auto;
  font-size: .88rem;
}
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .3rem; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
caption { text-align: left; padding: .5rem .7rem; }
th, td { padding: .35rem .7rem; text-align: left; vertical-align: top; }
thead th { background: var(--soft); white-space: nowrap; }
tbody tr { border-top: 1px solid var(--line); }
tbody th { font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
.wide { min-width: 16rem; }
figure { margin: 1.2rem 0; }
figure .scroll { background: #ffffff; }
figure img { display: block; margin: 0 auto; max-width: 100%; min-width: 40rem; height: auto; }
figcaption { margin-top: .4rem; }
)";

}  // namespace rho::report
