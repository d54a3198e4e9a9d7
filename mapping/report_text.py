"""The report as text for a terminal."""

from __future__ import annotations

_COMPOSED = ("LIF", "AdExp")  # their circuits' model is no name that a user knows


def text(r: dict) -> str:
    """At most 100 columns, numbers to four digits."""
    lines = [f"mapped to {_count(r['chips'], 'chip')}: {_wrap(r['profile'])}",
             f"  {_wrap(_totals(r), 98)}"]
    lines += _usage(r["usage"])
    for label, p in r["populations"].items():
        lines += _population(label, p)
    for label, p in r["projections"].items():
        lines += _projection(label, p)
    for label, j in r["joints"].items():
        lines += _joint(label, j)
    lines += _beside(r["beside"])
    lines += _events(r)
    lines += [f"  {_wrap(note)}" for note in (*r["currents"], *r["recording"])]
    if "dry_run" in r:
        lines.append(_wrap(r["dry_run"]))
    return "\n".join(lines)


def _totals(r: dict) -> str:
    """What is on the chips and what isn't, in one sentence."""
    sentence = (f"{_count(r['neurons'], 'neuron')}, {_count(r['synapses'], 'synapse')}, "
                f"{sum(r['lost'].values()) or 'none'} lost{_reasons(r['lost'])}")
    cells, synapses, learning = _beside_totals(r["beside"])
    parts = [_count(n, what) for n, what in ((cells, "cell"), (synapses, "synapse")) if n]
    if parts:
        sentence += f"; {' and '.join(parts)} beside the chip"
    return f"{sentence}; {_count(learning, 'learning synapse')}" if learning else sentence


def _beside_totals(b: dict) -> tuple[int, int, int]:
    """Cells and synapses beside the chip, and synapses that learn."""
    return (sum(p["size"] for p in b["populations"].values()), sum(p["synapses"] for p in b["projections"].values()),
            sum(p["synapses"] for p in b["learning"].values()))


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _wrap(sentence: str, width: int = 94) -> str:
    words, lines = sentence.split(" "), [""]
    for word in words:
        if len(lines[-1]) + len(word) + 1 > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n    ".join(lines)


def _reasons(lost: dict) -> str:
    sentences = {"rows": "no free row", "labels": "no free label", "weight": "weight rounds to 0"}
    parts = [f"{n} {sentences[k]}" for k, n in lost.items() if n]
    return f" ({', '.join(parts)})" if parts else ""


def _usage(usage: list[dict]) -> list[str]:
    lines = []
    for i, u in enumerate(usage):
        line = f"  chip {i}: {u['circuits']}/512 circuits"
        for a in ("array_0", "array_1"):
            if a in u:
                x = u[a]
                line += f"; {x['rows']}/256 rows, {x['labels']} labels, {x['synapses']} synapses"
        lines.append(line)
    return lines


def _joint(label: str, j: dict) -> list[str]:
    line = (f"  {label}: {_count(j['joints'], 'pair')} of circuits joined; conductance / capacitance "
            f"{_span(j['rate_per_ms'])} per ms, largest error {100 * j['largest_error']:.2g} %")
    if j["clipped"]:
        line += f"; {j['clipped']} clipped to the chip's range"
    return [f"  {_wrap(line.strip())}"]


def _number(x: float) -> str:
    return f"{0.0 if abs(x) < 1e-12 else x:.4g}"


def _span(pair: list[float]) -> str:
    low, high = (_number(x) for x in pair)
    return low if low == high else f"{low} .. {high}"


def _population(label: str, p: dict) -> list[str]:
    model = p["model"]
    if p["circuit_model"] != model and model not in _COMPOSED:
        model += f" (as {p['circuit_model']})"
    lines = [f"{label}: {p['size']} {model} on {_count(p['circuits'], 'circuit')}",
             f"  1 mV is {_number(p['alpha_lsb_per_mv'])} LSB, swing {_number(p['swing_lsb'])} LSB; thresholds spread "
             f"by {_number(p['threshold_spread_mv'])} mV ({100 * p['threshold_spread_of_swing']:.2g} % of the swing)"]
    for own, q in p["parameters"].items():
        name = _comparator(p["parameters"]) if own == "threshold" else own
        if q["max_error"] > 1e-12 or q["clipped"]:
            clipped = f", {q['clipped']} clipped" if q["clipped"] else ""
            asked = f"{_span(q['asked']):>{30 - max(10, len(name))}}"
            lines.append(f"  {name:<10} {asked} -> {_span(q['got']):<20} {q['unit']}, off by up to "
                         f"{_number(q['max_error'])}{clipped}")
    return lines


def _comparator(parameters: dict) -> str:
    """What the user calls the threshold: where the spike is exponential, v_thresh is another."""
    return "v_spike" if "v_thresh" in parameters else "v_thresh"


def _projection(label: str, p: dict) -> list[str]:
    lost = sum(p["lost"].values())
    gone = f", {lost} lost{_reasons(p['lost'])}" if lost else ""
    lines = [f"{label}: {_count(p['synapses'], 'synapse')}{gone}"]
    if "weight" in p:
        w = p["weight"]
        rows = w["rows_per_synapse"]
        number = f"{rows[1]}" if rows[0] == rows[1] else f"{rows[0]} to {rows[1]}"
        several = f", {number} rows each" if rows[1] > 1 else ""
        clipped = f", {w['clipped']} clipped" if w["clipped"] else ""
        lines.append(f"  weight     {_span(w['asked']):>20} -> {_span(w['got']):<20} rms error "
                     f"{100 * w['rms_error']:.2g} %{several}{clipped}")
    if "short_term" in p:
        s = p["short_term"]
        kinds = " and ".join(k for k in ("depressing", "facilitating") if s[k])
        asked = s["asked"]
        lines.append(f"  asked      U {_span(asked['U'])}, tau_rec {_span(asked['tau_rec'])} ms, tau_facil "
                     f"{_span(asked['tau_facil'])} ms")
        lines.append(f"  drivers    {kinds}, U {_span(s['use'])}, tau {_span(s['tau_ms'])} ms: rms error "
                     f"{100 * s['error']:.2g} % over a test train")
    if "learning" in p:
        lines += _learning(p["learning"])
    if "slots" in p:
        s = p["slots"]
        low, high = s["a_neuron"]
        of = f"{low}" if low == high else f"{low} .. {high}"
        lines.append(f"  slots      {of} a neuron, {_count(s['candidates'], 'candidate')} for each" + (
            f"; {_count(s['drivers'], 'driver')}, a spike is {_count(s['events_a_spike'], 'event')}"
            if "drivers" in s else ""))
    for way, d in p.get("ways", {}).items():
        lines.append(f"  delay      {_span(d['delay_asked']):>20} -> {_span(d['delay_got']):<20} ms, {d['synapses']} "
                     f"{way}")
    return lines


def _learning(s: dict) -> list[str]:
    """How a mechanism is realised by correlation sensors, and what is not as it was asked for."""
    step = s["weight_step"]
    sentences = [
        f"{' with '.join(s['rule'])} by correlation sensors and a rule, every {_number(s['period_ms'])} ms; it takes "
        f"about {_number(s['update_ms'])} ms",
        "spikes pair with their nearest neighbours, not all with all, as they arrive at the synapse: "
        f"dendritic_delay_fraction {_span(s['delay_fraction'])} -> 0",
        f"weights {_span(s['w_min'])} .. {_span(s['w_max'])} {s['unit']} in steps of {_span(step)}, rounded at random; "
        f"{_span(s['steps'])} steps to w_max",
        f"one time constant and amplitude for both windows: tau {_span(s['tau_plus'])} and {_span(s['tau_minus'])} -> "
        f"{_number(s['tau'])} ms" + (", amplitudes changed to keep the areas" if s["areas_kept"] else ""),
        f"sensors collect {_number(s['eta'])} of {_number(s['usable'])} converter steps for a pair: "
        f"{_number(s['pairs'])} close pairs in a period saturate them; one converter step is up to "
        f"{_number(s['change'])} weight steps"]
    if s["settings"] > 1:
        sentences.append(f"the plastic projections have {s['settings']} settings of sensors, emulated as such; on a "
                         "real chip all sensors of a quadrant share one")
    if "target" in s:
        sentences.append(f"target {_span(s['target'])} Hz, corrected for nearest neighbours of Poisson spikes; events "
                         "from outside are counted by the host, those of neurons by the chip")
    return [f"  {_wrap(sentence)}" for sentence in sentences]


def _beside(b: dict) -> list[str]:
    lines = [f"{label}: {_count(p['size'], 'neuron')}, {p['model']}, beside the chip" for label, p in
             b["populations"].items()]
    for label, p in b["projections"].items():
        lines += [f"{label}: {_count(p['synapses'], 'synapse')}, beside the chip", *_delay(p)]
    lines += [f"{label}: {r['model']}, {_count(r['relays'], 'stream')} computed beside the chip"
              for label, r in b["relays"].items()]
    for label, p in b["learning"].items():
        lines += [f"{label}: {_count(p['synapses'], 'synapse')}, {' with '.join(p['rule'])}, exact", *_delay(p)]
    return lines


def _delay(p: dict) -> list[str]:
    if "delay_got" not in p:
        return []
    return [f"  delay      {_span(p['delay_asked']):>20} -> {_span(p['delay_got']):<20} ms"]


def _events(r: dict) -> list[str]:
    e = r["events"]
    line = f"1 s of biological time takes {_number(e['hardware_ms_per_s'])} ms on the chip"
    if "input_events_per_us" not in e:
        return [line]
    line += f"; {_number(e['input_events_per_us'])} events/us from sources"
    if e["relay_streams"]:
        line += f", {e['neurons_relayed']} neurons relayed outside in {e['relay_streams']} streams"
    lines = [line]
    if e["too_fast"]:
        lines.append(f"  more than the link sustains (about {_number(e['link_events_per_us'])} events/us): a real chip "
                     "would lose events")
    return lines
