"""How the page looks: light and dark, from 400 pixels of width on. There is no script, and nothing is loaded."""

_LIGHT = (
    "--ink:#16191f;--soft:#5f6b7a;--line:#e3e7ec;--card:#fff;--sunk:#f2f4f7;--good:#1d7a46;--bad:#c22f2f;"
    "--mind:#8a5a00;--move:#0b63c5;--good-bg:#e6f4ec;--bad-bg:#fdecec;--mind-bg:#fdf3e0;--move-bg:#e8f1fc"
)
_DARK = (
    "--ink:#e6e9ee;--soft:#9aa5b4;--line:#2f3a49;--card:#161d27;--sunk:#212b38;--good:#5cc98a;--bad:#ff8580;"
    "--mind:#f0b955;--move:#6cb1ff;--good-bg:#16331f;--bad-bg:#3d1c1e;--mind-bg:#392b10;--move-bg:#14304f"
)
STYLE = f"""
.canary{{{_LIGHT}}}
.canary.dark{{{_DARK}}}
@media(prefers-color-scheme:dark){{.canary.auto{{{_DARK}}}}}
.canary{{container-type:inline-size;box-sizing:border-box;color:var(--ink);background:var(--card);padding:16px;
font:14px/1.45 "Amazon Ember","Helvetica Neue",Roboto,Arial,sans-serif;overflow-wrap:anywhere}}
.canary *{{box-sizing:border-box;min-width:0}}
.canary p,.canary h2,.canary h3{{margin:0}}
.canary h2{{font-size:17px;line-height:1.3;font-weight:700}}
.canary h3{{font-size:12px;font-weight:700;letter-spacing:.05em;text-transform:uppercase;color:var(--soft);
margin:20px 0 8px}}
.canary code{{font:.9em ui-monospace,Menlo,Consolas,monospace;background:var(--sunk);border-radius:4px;padding:0 4px}}
.canary cwdb-action{{display:none}}
.canary .soft{{color:var(--soft);font-size:13px}}
.canary .num{{font-variant-numeric:tabular-nums}}
.canary .head{{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center;justify-content:space-between}}
.canary .tag{{display:inline-block;border-radius:10px;padding:1px 10px;font-size:12px;font-weight:700;
background:var(--sunk);color:var(--soft)}}
.canary .good{{background:var(--good-bg);color:var(--good)}}
.canary .bad{{background:var(--bad-bg);color:var(--bad)}}
.canary .mind{{background:var(--mind-bg);color:var(--mind)}}
.canary .move{{background:var(--move-bg);color:var(--move)}}
.canary .say{{margin:10px 0 0;padding:9px 12px;border-radius:8px;border-left:4px solid currentColor}}
.canary .say span{{color:var(--ink)}}
.canary .course{{display:flex;gap:6px;margin-top:14px}}
.canary .stage{{flex:1 1 0;min-width:0;border-top:5px solid var(--line);padding-top:6px;font-weight:600;
color:var(--soft)}}
.canary .stage small{{display:block;font-weight:400;font-size:12px}}
.canary .stage.passed{{border-color:var(--good)}}
.canary .stage.now{{border-color:var(--move);color:var(--ink)}}
.canary .facts{{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:12px;margin-top:14px}}
.canary .facts b{{display:block;font-size:17px;font-weight:600;font-variant-numeric:tabular-nums}}
.canary .two{{display:grid;grid-template-columns:minmax(0,1fr);gap:0 32px}}
.canary .slot{{padding:8px 0;border-bottom:1px solid var(--line)}}
.canary .slot:last-child,.canary .gate:last-child{{border-bottom:0}}
.canary .row{{display:flex;flex-wrap:wrap;justify-content:space-between;gap:2px 10px;align-items:baseline}}
.canary .share{{position:relative;height:8px;border-radius:4px;background:var(--sunk);margin:7px 0 5px;overflow:hidden}}
.canary .share i{{position:absolute;left:0;top:0;bottom:0;border-radius:4px;background:var(--soft);opacity:.55}}
.canary .share i.canary-fill{{background:var(--move);opacity:1}}
.canary .share u{{position:absolute;top:0;bottom:0;width:3px;margin-left:-3px;background:var(--ink)}}
.canary .gate{{padding:9px 0;border-bottom:1px solid var(--line)}}
.canary .bar{{position:relative;height:12px;border-radius:6px;background:var(--sunk);margin:8px 0 4px;overflow:hidden}}
.canary .bar i{{position:absolute;top:0;bottom:0}}
.canary .bar .proven{{right:50%;background:var(--good)}}
.canary .bar .against{{left:50%;background:var(--bad)}}
.canary .bar u{{position:absolute;left:50%;top:0;bottom:0;width:2px;margin-left:-1px;background:var(--soft)}}
.canary .ends{{display:flex;justify-content:space-between;gap:10px;font-size:12px;color:var(--soft)}}
.canary .ends span:last-child{{text-align:right}}
.canary .old{{display:flex;flex-wrap:wrap;gap:2px 10px;padding:9px 0;border-bottom:1px solid var(--line);
align-items:baseline}}
.canary .why{{flex-basis:100%}}
.canary .old:last-child{{border-bottom:0}}
.canary .alarms{{display:flex;flex-wrap:wrap;gap:6px}}
.canary .orders{{display:flex;flex-wrap:wrap;gap:8px;margin-top:14px;align-items:center}}
.canary .orders input{{flex:1 1 180px;min-width:0;padding:5px 10px;border-radius:8px;border:1px solid var(--soft);
background:var(--card);color:var(--ink);font:inherit}}
.canary .order{{display:inline-block;border:2px solid var(--move);border-radius:16px;padding:4px 16px;font-weight:700;
color:var(--move);cursor:pointer;text-decoration:none}}
.canary .order.first{{background:var(--move);color:var(--card)}}
.canary .order.stop{{border-color:var(--bad);color:var(--bad)}}
@container(min-width:800px){{
.canary .two{{grid-template-columns:repeat(2,minmax(0,1fr))}}
.canary .old{{display:grid;grid-template-columns:minmax(110px,180px) 110px 150px minmax(0,1fr)}}
}}
"""
