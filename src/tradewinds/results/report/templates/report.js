// The report's plots, drawn with uPlot from the JSON beside them. Only textContent is ever set: nothing here can become markup.
(() => {
  "use strict";
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const money = (value) => value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const number = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 4 });
  const utc = (ts) => new Date(ts * 1e3).toISOString().slice(0, 16).replace("T", " ") + "Z";
  const DATES = [ // of the time axis, by the seconds between two ticks: the day before the month's name, so that nobody errs
    [31536000, "{YYYY}", null, null, null, null, null, null, 1],
    [2419200, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [86400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
  ];
  const DAYS = [1, 2, 3, 4, 5, 7, 10, 14, 30, 60, 90, 120, 180, 365, 730, 1825].map((days) => days * 86400); // of values by day
  const HEIGHT = { equity: 280, drawdown: 150, bars: 270, points: 340, history: 230, stack: 330, scatter: 320, session: 300 };

  // A box beside the cursor with the words for the point under it.
  const tip = (words) => {
    const box = document.createElement("div");
    box.className = "tip";
    box.hidden = true;
    return {
      hooks: {
        init: (u) => u.over.append(box),
        setCursor: (u) => {
          const { idx, left, top } = u.cursor;
          box.hidden = idx == null || left < 0 || !u.cursor.event; // without one the cursor only follows another plot's
          if (box.hidden) return;
          box.textContent = words(idx, u);
          const over = u.over.clientWidth;
          const x = left + 12 + box.offsetWidth > over ? left - 12 - box.offsetWidth : left + 12;
          box.style.left = `${Math.max(Math.min(x, over - box.offsetWidth), -50)}px`;
          box.style.top = `${Math.max(top - box.offsetHeight - 8, 0)}px`;
        },
      },
    };
  };

  const axis = (label, more = {}) => ({
    stroke: colour("dim"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { stroke: colour("line"), width: 1 },
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
    ...(label ? { label, labelSize: 20 } : {}),
    ...more,
  });
  // The width of a y axis whose figures have so many letters: its title stands clear of them.
  const room = (letters) => Math.max(64, 22 + 7 * letters);
  const fitted = (u, figures) => room(Math.max(0, ...(figures ?? []).map((text) => String(text ?? "").length)));
  const base = (width, height, more) => ({
    width,
    height,
    legend: { show: false },
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC"),
    cursor: { points: { show: false }, drag: { x: false, y: false } },
    ...more,
  });
  const line = (u, x0, y0, x1, y1, style, width, dash = []) => {
    const ratio = devicePixelRatio;
    u.ctx.save();
    u.ctx.strokeStyle = style;
    u.ctx.lineWidth = width * ratio;
    u.ctx.setLineDash(dash.map((length) => length * ratio));
    u.ctx.beginPath();
    u.ctx.moveTo(u.valToPos(x0, "x", true), u.valToPos(y0, "y", true));
    u.ctx.lineTo(u.valToPos(x1, "x", true), u.valToPos(y1, "y", true));
    u.ctx.stroke();
    u.ctx.restore();
  };
  // A diamond or a dot at a point, with a rim in the ground's colour.
  const mark = (u, x, y, fill, rim, diamond) => {
    const ratio = devicePixelRatio, size = (diamond ? 6 : 5) * ratio;
    const [px, py] = [u.valToPos(x, "x", true), u.valToPos(y, "y", true)];
    const path = new Path2D();
    if (diamond) path.addPath(new Path2D(`M${px - size} ${py} L${px} ${py - size} L${px + size} ${py} L${px} ${py + size} Z`));
    else path.arc(px, py, size, 0, 2 * Math.PI);
    u.ctx.save();
    u.ctx.fillStyle = fill;
    u.ctx.strokeStyle = rim;
    u.ctx.lineWidth = 1.5 * ratio;
    u.ctx.fill(path);
    u.ctx.stroke(path);
    u.ctx.restore();
  };

  // Words on a plot, with a rim in the ground's colour: they can be read over lines and areas.
  const letter = (u, words, x, y, align = "left") => {
    u.ctx.save();
    u.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    u.ctx.textAlign = align;
    u.ctx.textBaseline = "alphabetic";
    u.ctx.lineJoin = "round";
    u.ctx.lineWidth = 4 * devicePixelRatio;
    u.ctx.strokeStyle = colour("ground");
    u.ctx.fillStyle = colour("ink");
    u.ctx.strokeText(words, x, y);
    u.ctx.fillText(words, x, y);
    u.ctx.restore();
  };

  // Draw inside the plot's frame only.
  const clipped = (u, drawing) => {
    u.ctx.save();
    u.ctx.beginPath();
    u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    u.ctx.clip();
    drawing();
    u.ctx.restore();
  };

  const stepped = uPlot.paths.stepped({ align: 1 });
  const equity = (place, { name, data }) => {
    const words = (i) => `${utc(data.t[i])}\nequity ${money(data.equity[i])} ${data.currency}\ndrawdown ${money(data.drawdown[i])} ${data.currency}`;
    const [low, high] = [Math.min(...data.equity), Math.max(...data.equity)];
    const whole = [low, high, Math.min(...data.drawdown)].map((value) => Math.trunc(value).toLocaleString("en-US").length);
    const size = room(Math.max(...whole) + (high - low < 5 ? 2 : 0)); // of both panes, so that their times are in line
    const pane = (height, label, values, series, more = {}) => {
      const width = place.clientWidth;
      const options = base(width, height, {
        cursor: { sync: { key: name }, points: { show: true, size: 7 }, drag: { x: true, y: false } },
        axes: [axis("", { values: DATES, ...more.x }), axis(label, { size })],
        series: [{}, { paths: stepped, points: { show: false }, width: 1.6, ...series }],
        scales: { y: more.y ?? {} },
        plugins: [tip(words)],
        hooks: more.hooks ?? {},
      });
      return new uPlot(options, [data.t, values], place);
    };
    const dashed = (u) => line(u, u.scales.x.min, data.start, u.scales.x.max, data.start, colour("dim"), 1, [5, 4]);
    return [
      pane(HEIGHT.equity, `Equity, ${data.currency}`, data.equity, { stroke: colour("gain") }, { x: { values: () => [], size: 8 }, hooks: { draw: [dashed] } }),
      pane(
        HEIGHT.drawdown, `Drawdown, ${data.currency}`, data.drawdown, { stroke: colour("loss"), fill: colour("loss") + "55" },
        { y: { range: (u, low) => [Math.min(low * 1.1, -1e-9), 0] } },
      ),
    ];
  };

  const bars = (place, { data, axes }) => {
    const places = data.labels.map((_, i) => i);
    const pick = (keep) => data.value.map((value) => (keep(value) ? value : null));
    const figure = (name, value) => `${name} ${money(value)} ${axes[1]}`;
    const promised = data.expected.length > 0;
    const words = (i) =>
      [data.remark[i], figure(data.names[0], data.value[i]), ...(promised ? [figure(data.names[1], data.expected[i])] : [])].join("\n");
    const letters = Math.max(...data.labels.map((label) => label.length));
    const turned = letters * data.labels.length * 7 + 14 * data.labels.length > place.clientWidth - 64;
    const shape = uPlot.paths.bars({ size: [0.7, 70] });
    const bar = (name) => ({ paths: shape, fill: colour(name), stroke: colour(name), width: 0, points: { show: false } });
    const options = base(place.clientWidth, HEIGHT.bars + (turned ? letters * 5 : 0), {
      scales: {
        x: { time: false, range: [-0.5, places.length - 0.5] },
        y: { range: (u, low, high) => uPlot.rangeNum(Math.min(low, 0), Math.max(high, 0), 0.08, true) },
      },
      axes: [
        axis("", {
          splits: () => places,
          values: () => data.labels,
          grid: { show: false },
          ...(turned ? { rotate: -90, size: letters * 7 + 16 } : {}),
        }),
        axis(`${data.names[0]}, ${axes[1]}`, { size: fitted }),
      ],
      series: [{}, bar("gain"), bar("loss"), { paths: () => null, points: { show: false } }],
      hooks: {
        draw: [
          (u) => line(u, -0.5, 0, places.length - 0.5, 0, colour("dim"), 1),
          (u) => data.expected.forEach((value, i) => mark(u, i, value, colour("ground"), colour("ink"), true)),
        ],
      },
      plugins: [tip(words)],
    });
    const expected = promised ? data.expected : places.map(() => null);
    return [new uPlot(options, [places, pick((v) => v >= 0), pick((v) => v < 0), expected], place)];
  };

  const points = (place, { data, axes }) => {
    const ends = [...data.low, ...data.high].filter((value) => value != null);
    const all = [...data.x, ...data.y, ...ends];
    const [lowest, highest] = [Math.min(...all), Math.max(...all)];
    const padded = (low, high) => uPlot.rangeNum(low, high, 0.08, true);
    const words = (i) => {
      const interval = data.low[i] == null ? "" : `\n95 %: ${number(data.low[i])} to ${number(data.high[i])}`;
      return `${data.remark[i]}\n${axes[0]}: ${number(data.x[i])}\n${axes[1]}: ${number(data.y[i])}${interval}`.trim();
    };
    const options = base(place.clientWidth, HEIGHT.points, {
      scales: {
        x: { time: false, range: () => padded(Math.min(...data.x), Math.max(...data.x)) },
        y: { range: () => padded(Math.min(...data.y, ...ends), Math.max(...data.y, ...ends)) },
      },
      axes: [axis(axes[0]), axis(axes[1], { size: 56 })],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        drawAxes: [
          (u) => {
            u.ctx.save();
            u.ctx.beginPath();
            u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
            u.ctx.clip();
            line(u, lowest, lowest, highest, highest, colour("dim"), 1, [5, 4]);
            u.ctx.restore();
          },
        ],
        draw: [
          (u) => data.x.forEach((x, i) => data.low[i] != null && line(u, x, data.low[i], x, data.high[i], colour("band"), 3)),
          (u) => data.x.forEach((x, i) => mark(u, x, data.y[i], colour("gain"), colour("ground"), false)),
          (u) => {
            u.ctx.fillStyle = colour("dim");
            u.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
            u.ctx.textAlign = "left";
            const [dx, dy] = [8 * devicePixelRatio, -5 * devicePixelRatio];
            data.n.forEach((n, i) => u.ctx.fillText(n, u.valToPos(data.x[i], "x", true) + dx, u.valToPos(data.y[i], "y", true) + dy));
          },
        ],
      },
      plugins: [tip(words)],
    });
    return [new uPlot(options, [data.x, data.y], place)];
  };

  const history = (place, { data, axes }) => {
    const colours = ["gain", "loss"];
    const at = new Map();
    data.marks.forEach((m) => at.set(m.t, [...(at.get(m.t) ?? []), m.remark]));
    const whole = data.bars;
    const words = (i) => [
      utc(data.t[i]).slice(0, 10),
      ...(whole ? [`open ${number(whole.open[i])}  high ${number(whole.high[i])}  low ${number(whole.low[i])}`] : []),
      ...data.lines.map((found) => `${found.name} ${number(found.y[i])}`),
      ...(at.get(data.t[i]) ?? []),
    ].join("\n");
    const triangle = (u, m) => {
      const size = 5 * devicePixelRatio * (m.up ? -1 : 1);
      const [px, py] = [u.valToPos(m.t, "x", true), u.valToPos(m.y, "y", true)];
      if (px < u.bbox.left || px > u.bbox.left + u.bbox.width) return;
      u.ctx.save();
      u.ctx.fillStyle = colour(m.up ? "ink" : "loss");
      u.ctx.fill(new Path2D(`M${px} ${py} L${px - size} ${py - size} L${px + size} ${py - size} Z`));
      u.ctx.restore();
    };
    // From low to high, and open and close at the sides where a bar has room for them.
    const ranges = (u) => {
      const [first, last] = u.series[0].idxs, room = u.bbox.width / Math.max(1, last - first + 1), side = Math.min(room * 0.35, 5 * devicePixelRatio);
      u.ctx.lineWidth = (room > 4 ? 1.2 : 0.8) * devicePixelRatio;
      for (let i = first; i <= last; i++) {
        const x = u.valToPos(data.t[i], "x", true), y = (name) => u.valToPos(whole[name][i], "y", true);
        const path = new Path2D(`M${x} ${y("low")} V${y("high")}`);
        if (side > 1.5 * devicePixelRatio) path.addPath(new Path2D(`M${x - side} ${y("open")} H${x} M${x} ${y("close")} H${x + side}`));
        u.ctx.strokeStyle = room > 4 ? colour(whole.close[i] >= whole.open[i] ? "gain" : "loss") : colour("band");
        u.ctx.stroke(path);
      }
    };
    const span = (u, low, high) => {
      if (!whole || low == null) return uPlot.rangeNum(low ?? 0, high ?? 1, 0.1, true);
      const [first, last] = u.series[0].idxs;
      return uPlot.rangeNum(Math.min(...whole.low.slice(first, last + 1)), Math.max(...whole.high.slice(first, last + 1)), 0.06, true);
    };
    const options = base(place.clientWidth, HEIGHT.history + (whole ? 90 : 0), {
      ...(whole ? { scales: { y: { range: span } } } : {}),
      legend: { show: data.lines.length > 1, live: false },
      cursor: { points: { show: true, size: 7 }, drag: { x: true, y: false } },
      axes: [axis("", { values: DATES }), axis(axes[1], { size: fitted })],
      series: [{}, ...data.lines.map((found, i) => ({
        label: found.name, stroke: colour(colours[i]), width: 1.4, points: { show: false },
      }))],
      hooks: {
        drawAxes: [
          (u) => clipped(u, () => (data.spans ?? []).forEach((held) => {
            const [left, right] = [held.from, held.to].map((ts) => u.valToPos(ts, "x", true));
            u.ctx.fillStyle = colour("band") + "40";
            u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
          })),
          ...(whole ? [(u) => clipped(u, () => ranges(u))] : []),
        ],
        draw: [(u) => data.marks.forEach((m) => triangle(u, m))],
      },
      plugins: [tip(words)],
    });
    return [new uPlot(options, [data.t, ...data.lines.map((found) => found.y)], place)];
  };

  // Layers on top of each other, those above 0 upwards and those below 0 downwards, and their sum as a line.
  const stack = (place, { data, axes }) => {
    const count = data.t.length;
    const above = new Array(count).fill(0), below = new Array(count).fill(0);
    const edges = data.layers.map(({ y }) => y.map((value, i) => {
      const side = value >= 0 ? above : below, low = side[i];
      side[i] += value;
      return [low, side[i]];
    }));
    const total = above.map((value, i) => value + below[i]);
    const crossing = data.levels.map((level) => level.y);
    const words = (i) => [
      utc(data.t[i]),
      ...data.layers.map((layer) => `${layer.name} ${number(layer.y[i])}`),
      `${data.total} ${number(total[i])}`,
    ].join("\n");
    const area = (u, layer) => {
      const x = (i) => u.valToPos(data.t[i], "x", true), y = (value) => u.valToPos(value, "y", true);
      const path = new Path2D();
      for (let i = 0; i < count - 1; i++) {
        const [from, to] = edges[layer][i];
        if (from !== to) path.rect(x(i), y(to), x(i + 1) - x(i), y(from) - y(to));
      }
      u.ctx.fillStyle = colour(`s${layer % 6}`);
      u.ctx.fill(path);
    };
    const hidden = { paths: () => null, points: { show: false } };
    const options = base(place.clientWidth, HEIGHT.stack, {
      legend: { show: true, live: false },
      cursor: { points: { show: false }, drag: { x: true, y: false } },
      scales: { y: { range: () => uPlot.rangeNum(Math.min(0, ...below, ...crossing), Math.max(0, ...above, ...crossing), 0.06, true) } },
      axes: [axis("", { values: DATES }), axis(axes[1], { size: fitted })],
      series: [
        {},
        ...data.layers.map((layer, i) => ({ label: layer.name, stroke: colour(`s${i % 6}`), fill: colour(`s${i % 6}`), ...hidden })),
        { label: data.total, stroke: colour("ink"), width: count > place.clientWidth ? 0.8 : 1.6, paths: stepped, points: { show: false } },
      ],
      hooks: {
        drawAxes: [(u) => clipped(u, () => data.layers.forEach((_, i) => u.series[i + 1].show && area(u, i)))],
        draw: [
          (u) => line(u, u.scales.x.min, 0, u.scales.x.max, 0, colour("dim"), 1),
          (u) => data.levels.forEach((level, i) => {
            line(u, u.scales.x.min, level.y, u.scales.x.max, level.y, colour("ink"), 1, [[6, 4], [2, 3]][i % 2]);
            letter(u, level.name, u.bbox.left + 4 * devicePixelRatio, u.valToPos(level.y, "y", true) - 4 * devicePixelRatio);
          }),
        ],
      },
      plugins: [tip(words)],
    });
    return [new uPlot(options, [data.t, ...data.layers.map((layer) => layer.y), total], place)];
  };

  // A triangle that points up or down, with a rim in the ground's colour.
  const arrow = (u, x, y, up, fill, rim) => {
    const size = 5 * devicePixelRatio * (up ? -1 : 1);
    const [px, py] = [u.valToPos(x, "x", true), u.valToPos(y, "y", true)];
    if (px < u.bbox.left - 1 || px > u.bbox.left + u.bbox.width + 1) return;
    const path = new Path2D(`M${px} ${py + size} L${px - size} ${py - size} L${px + size} ${py - size} Z`);
    u.ctx.save();
    u.ctx.fillStyle = fill;
    u.ctx.strokeStyle = rim;
    u.ctx.lineWidth = devicePixelRatio;
    u.ctx.fill(path);
    u.ctx.stroke(path);
    u.ctx.restore();
  };

  const scatter = (place, { data, axes }) => {
    const padded = (values) => uPlot.rangeNum(Math.min(0, ...values), Math.max(0, ...values), 0.06, true);
    const words = (i) => `${data.remark[i]}\n${axes[0]}: ${number(data.x[i])}\n${axes[1]}: ${number(data.y[i])}`;
    const options = base(place.clientWidth, HEIGHT.scatter, {
      scales: { x: { time: false, range: () => padded(data.x) }, y: { range: () => padded(data.y) } },
      axes: [axis(axes[0]), axis(axes[1], { size: fitted })],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        draw: [
          (u) => line(u, u.scales.x.min, 0, u.scales.x.max, 0, colour("dim"), 1),
          (u) => line(u, 0, u.scales.y.min, 0, u.scales.y.max, colour("dim"), 1),
          (u) => data.x.forEach((x, i) => arrow(u, x, data.y[i], data.up[i], colour(data.up[i] ? "gain" : "loss"), colour("ground"))),
        ],
      },
      plugins: [tip(words)],
    });
    return [new uPlot(options, [data.x, data.y], place)];
  };

  // The bars of one session on the exchange's clock, with the opening range as a box, prices of orders, and fills.
  const session = (place, { data, axes }) => {
    const clock = (x) => `${String(Math.floor((data.clock + x) / 60) % 24).padStart(2, "0")}:${String((data.clock + x) % 60).padStart(2, "0")}`;
    const prices = [...data.low, ...data.high, ...data.levels.map((level) => level.y), ...data.marks.map((m) => m.y)];
    const words = (i) => [
      `${clock(data.x[i])}  open ${number(data.open[i])}  high ${number(data.high[i])}`,
      `low ${number(data.low[i])}  close ${number(data.close[i])}`,
      ...data.marks.filter((m) => m.x === data.x[i]).map((m) => m.remark),
    ].join("\n");
    const last = data.x[data.x.length - 1] + 1;
    const every = place.clientWidth < 520 ? 120 : last > 180 ? 60 : 30;
    const options = base(place.clientWidth, HEIGHT.session, {
      scales: { x: { time: false, range: [-2, last + 2] }, y: { range: () => uPlot.rangeNum(Math.min(...prices), Math.max(...prices), 0.05, true) } },
      axes: [
        axis("", {
          splits: () => Array.from({ length: last + 1 }, (_, x) => x).filter((x) => (data.clock + x) % every === 0),
          values: (u, splits) => splits.map(clock),
        }),
        axis(axes[1], { size: fitted }),
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        drawAxes: [
          (u) => {
            if (!data.box) return;
            const [left, right] = [data.box.from, data.box.to].map((x) => u.valToPos(x, "x", true));
            const [top, bottom] = [data.box.high, data.box.low].map((y) => u.valToPos(y, "y", true));
            u.ctx.save();
            u.ctx.fillStyle = colour("band") + "55";
            u.ctx.fillRect(left, top, right - left, bottom - top);
            u.ctx.restore();
          },
        ],
        draw: [
          (u) => data.x.forEach((x, i) => line(u, x, data.low[i], x, data.high[i], colour(data.close[i] >= data.open[i] ? "gain" : "loss"), 1)),
          (u) => data.levels.forEach((level, i) => line(u, level.from, level.y, level.to, level.y, colour("ink"), 1, [[], [6, 4], [2, 3]][Math.min(i, 2)])),
          (u) => {
            u.ctx.save();
            u.ctx.fillStyle = colour("ink");
            u.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
            data.levels.forEach((level) => {
              const [x, y] = [u.valToPos(level.from, "x", true), u.valToPos(level.y, "y", true)];
              const over = x + u.ctx.measureText(level.name).width + 6 * devicePixelRatio > u.bbox.left + u.bbox.width;
              letter(u, level.name, x + (over ? -3 : 3) * devicePixelRatio, y - 3 * devicePixelRatio, over ? "right" : "left");
            });
            u.ctx.restore();
          },
          (u) => data.marks.forEach((m) => arrow(u, m.x, m.y, m.up, colour("ink"), colour("ground"))),
        ],
      },
      plugins: [tip(words)],
    });
    return [new uPlot(options, [data.x, data.close], place)];
  };

  // Markets whose prices go from 0 to 1, one below the other over the same time: bid and ask, the model's probability, fills as
  // triangles, refused orders as crosses, the settlement as a diamond.
  const quotes = (place, { name, data, axes }) => {
    const ends = data.markets.flatMap((m) => [m.t[0], m.t[m.t.length - 1], m.settled?.t, ...m.marks.map((mark) => mark.t)]);
    const known = ends.filter((ts) => ts != null);
    const [first, last] = [Math.min(...known), Math.max(...known)];
    const range = [first, last + (last - first) / 100];
    const cross = (u, x, y) => {
      const [px, py, size] = [u.valToPos(x, "x", true), u.valToPos(y, "y", true), 3.5 * devicePixelRatio];
      u.ctx.save();
      u.ctx.strokeStyle = colour("dim");
      u.ctx.lineWidth = 1.6 * devicePixelRatio;
      u.ctx.stroke(new Path2D(`M${px - size} ${py - size} L${px + size} ${py + size} M${px - size} ${py + size} L${px + size} ${py - size}`));
      u.ctx.restore();
    };
    return data.markets.map((market) => {
      const model = market.probability;
      const signs = [...market.marks, ...market.crosses].map((mark) => ({ ...mark, at: utc(mark.t) }));
      const near = (u, ts) => {
        const reach = ((u.scales.x.max - u.scales.x.min) * 8) / u.over.clientWidth;
        return signs.filter((mark) => Math.abs(mark.t - ts) <= reach).slice(0, 6);
      };
      const price = (value) => (value == null ? "—" : value.toFixed(2));
      const words = (i, u) => [
        `${market.name}\n${utc(market.t[i])}`,
        `bid ${price(market.bid[i])}  ask ${price(market.ask[i])}`,
        ...(model && market.t[i] >= model.from ? [`model ${model.p.toFixed(3)}`] : []),
        ...near(u, u.posToVal(u.cursor.left, "x")).map((mark) => `${mark.at.slice(11)} ${mark.remark}`),
      ].join("\n");
      const series = (label, shade) => ({ label, stroke: colour(shade), width: 1.1, paths: stepped, points: { show: false } });
      const title = document.createElement("p");
      title.className = "market";
      title.textContent = market.name + (model ? ` · model ${(model.p * 100).toFixed(1)} %` : "");
      place.append(title);
      const options = base(place.clientWidth, 150, {
        cursor: { sync: { key: name }, points: { show: false }, drag: { x: true, y: false } },
        scales: { x: { range: (u, low, high) => (u.zoomed ? [low, high] : range) }, y: { range: [-0.04, 1.04] } },
        axes: [axis("", { values: DATES }), axis("", { size: 48, splits: () => [0, 0.25, 0.5, 0.75, 1], values: (u, found) => found.map((value) => value.toFixed(2)) })],
        bands: [{ series: [2, 1], fill: colour("band") + "44" }],
        series: [{}, series("bid", "gain"), series("ask", "loss")],
        hooks: {
          setSelect: [(u) => (u.zoomed = u.select.width > 0)],
          draw: [
            (u) => clipped(u, () => {
              if (model) line(u, model.from, model.p, model.to, model.p, colour("ink"), 1.3, [6, 4]);
              market.crosses.forEach((mark) => cross(u, mark.t, mark.y));
              if (market.settled) mark(u, market.settled.t, market.settled.y, colour("ground"), colour("ink"), true);
            }),
            (u) => market.marks.forEach((m) => arrow(u, m.t, m.y, m.up, colour(m.up ? "ink" : "loss"), colour("ground"))),
          ],
        },
        plugins: [tip(words)],
      });
      const drawn = new uPlot(options, market.t.length ? [market.t, market.bid, market.ask] : [[range[0]], [null], [null]], place);
      const destroy = drawn.destroy;
      drawn.destroy = () => { title.remove(); destroy(); };
      return drawn;
    });
  };

  // Several runs over the same days, each in its colour (--c0 …); only the pages of `tradewinds serve` have such a plot.
  const lines = (place, { data, axes }) => {
    const words = (i) => [utc(data.t[i]).slice(0, 10), ...data.series.map((s) => `${s.label} ${money(s.values[i])}`)].join("\n");
    const shape = (s, i) => ({ stroke: colour(`c${i}`), width: 1.8, dash: i > 2 ? [7, 4] : [], points: { show: data.t.length < 40, size: 5 } });
    const options = base(place.clientWidth, HEIGHT.points, {
      cursor: { points: { show: true, size: 7 }, drag: { x: true, y: false } },
      axes: [axis("", { values: DATES, incrs: DAYS }), axis(axes[1], { size: fitted })],
      series: [{}, ...data.series.map(shape)],
      hooks: { drawAxes: [(u) => line(u, u.scales.x.min, 0, u.scales.x.max, 0, colour("dim"), 1, [5, 4])] },
      plugins: [tip(words)],
    });
    return [new uPlot(options, [data.t, ...data.series.map((s) => s.values)], place)];
  };

  const draw = { equity, bars, points, history, stack, scatter, session, quotes, lines };
  let drawn = [];
  const drawAll = () => {
    drawn.forEach((u) => u.destroy());
    drawn = plots.flatMap((plot) => {
      const place = document.getElementById(`plot-${plot.name}`);
      return place.clientWidth ? draw[plot.kind](place, plot) : []; // on paper a report has pictures in place of plots
    });
  };
  document.documentElement.classList.add("drawn"); // from here on the plots take the place of the pictures
  drawAll();
  let width = document.body.clientWidth;
  addEventListener("resize", () => {
    if (document.body.clientWidth !== width) {
      width = document.body.clientWidth;
      drawAll();
    }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  matchMedia("print").addEventListener("change", drawAll);
})();
