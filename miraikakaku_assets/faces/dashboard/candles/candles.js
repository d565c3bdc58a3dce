// Draws what `candles.py` sends with TradingView's lightweight-charts, which the dashboard serves itself.
let library;

const load = () => (library ??= import(new URL("lightweight-charts.mjs", document.baseURI).href));

export default function (component) {
  const { data, parentElement } = component;
  const place = parentElement.querySelector(".chart");
  const legend = parentElement.querySelector(".legend");
  const button = parentElement.querySelector(".png");
  const wrong = parentElement.querySelector(".wrong");
  const keep = (parentElement.candles ??= { number: 0 });
  const number = ++keep.number;
  place.setAttribute("aria-label", data.words.alt);
  button.textContent = data.words.png;
  load().then(
    (lib) => { if (number === keep.number) draw(lib, keep, data, place, legend, button); },
    () => { wrong.textContent = data.words.away; wrong.hidden = false; },
  );
  return () => {
    keep.number += 1;
    if (keep.chart) { keep.chart.remove(); keep.chart = null; }
  };
}

function draw(lib, keep, data, place, legend, button) {
  if (keep.chart) keep.chart.remove();
  const { colours, locale, precision, words } = data;
  const chart = (keep.chart = lib.createChart(place, {
    autoSize: true,
    layout: {
      background: { type: "solid", color: colours.background }, textColor: colours.text,
      panes: { separatorColor: colours.grid, separatorHoverColor: colours.grid }, attributionLogo: true,
    },
    grid: { vertLines: { color: colours.grid }, horzLines: { color: colours.grid } },
    rightPriceScale: { borderColor: colours.grid },
    timeScale: { borderColor: colours.grid, timeVisible: data.intraday, secondsVisible: false, rightOffset: 3 },
    crosshair: { mode: lib.CrosshairMode.Normal },
    localization: { locale, dateFormat: "yyyy-MM-dd" },
  }));
  const format = { type: "price", precision, minMove: 10 ** -precision };
  const line = (values, color, pane, more = {}) => {
    const series = chart.addSeries(
      lib.LineSeries,
      { color, lineWidth: 1, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false,
        priceFormat: format, ...more },
      pane,
    );
    series.setData(points(data.time, values));
    return series;
  };
  const has = (values) => values && values.some((value) => value !== null);
  const main = data.ranged
    ? chart.addSeries(lib.CandlestickSeries, {
        upColor: colours.up, downColor: colours.down, borderUpColor: colours.up, borderDownColor: colours.down,
        wickUpColor: colours.up, wickDownColor: colours.down, priceFormat: format,
      })
    : chart.addSeries(lib.LineSeries, { color: colours.main, lineWidth: 2, priceFormat: format });
  main.setData(
    data.ranged
      ? data.time.map((time, i) => ({
          time, open: data.open[i], high: data.high[i], low: data.low[i], close: data.close[i],
        }))
      : points(data.time, data.close),
  );
  for (const band of data.lines) if (has(band.values)) line(band.values, band.colour, 0, { lineStyle: band.style });
  if (has(data.volume) && data.volume.some((value) => value > 0)) {
    const volume = chart.addSeries(lib.HistogramSeries, {
      priceScaleId: "volume", priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false,
    });
    volume.setData(data.time.map((time, i) => ({
      time, value: data.volume[i] ?? 0,
      color: (data.close[i] >= (i ? data.close[i - 1] : data.close[i]) ? colours.up : colours.down) + "66",
    })));
    chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    main.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.22 } });
  }
  if (data.marks.length) lib.createSeriesMarkers(main, data.marks);
  let pane = 0;
  if (has(data.rsi)) {
    pane += 1;
    const rsi = line(data.rsi, colours.rsi, pane, {
      lineWidth: 2, lastValueVisible: true, priceFormat: { type: "price", precision: 1, minMove: 0.1 },
    });
    for (const price of [30, 70]) {
      rsi.createPriceLine({ price, color: colours.muted, lineWidth: 1, lineStyle: 2, axisLabelVisible: false, title: "" });
    }
  }
  if (has(data.macd)) {
    pane += 1;
    const histogram = chart.addSeries(
      lib.HistogramSeries, { priceLineVisible: false, lastValueVisible: false, priceFormat: format }, pane,
    );
    histogram.setData(data.time.map((time, i) => data.histogram[i] === null
      ? { time }
      : { time, value: data.histogram[i], color: (data.histogram[i] >= 0 ? colours.up : colours.down) + "99" }));
    line(data.macd, colours.macd, pane, { lineWidth: 2 });
    line(data.signal, colours.signal, pane);
  }
  chart.panes().forEach((each, index) => each.setStretchFactor(index === 0 ? 4 : 1.2));
  const last = data.time.length - 1;
  const places = new Map(data.time.map((time, i) => [String(time), i]));
  const say = (i) => write(legend, data, i);
  say(last);
  chart.subscribeCrosshairMove((event) => {
    const i = event.time === undefined ? last : places.get(String(event.time));
    say(i === undefined ? last : i);
  });
  const sight = place.clientWidth < 500 ? Math.min(data.shown, Math.max(60, data.shown / 2)) : data.shown;
  chart.timeScale().setVisibleLogicalRange({ from: Math.max(-0.5, last - sight), to: last + 3 });
  place.onkeydown = (event) => {
    const scale = chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    const step = { ArrowLeft: -10, ArrowRight: 10 }[event.key];
    const zoom = { "+": 0.8, "-": 1.25 }[event.key];
    if (!range || (!step && !zoom)) return;
    event.preventDefault();
    if (step) scale.setVisibleLogicalRange({ from: range.from + step, to: range.to + step });
    else scale.setVisibleLogicalRange({ from: range.to - (range.to - range.from) * zoom, to: range.to });
  };
  button.onclick = () => {
    const link = document.createElement("a");
    link.href = chart.takeScreenshot().toDataURL("image/png");
    link.download = `${words.file}.png`;
    link.click();
  };
}

function points(times, values) {
  return times.map((time, i) => (values[i] === null ? { time } : { time, value: values[i] }));
}

function write(legend, data, i) {
  const number = (value) => value === null || value === undefined
    ? "–"
    : value.toLocaleString(data.locale, { minimumFractionDigits: data.precision, maximumFractionDigits: data.precision });
  const parts = [[data.labels[i], null, null]];
  if (data.ranged) for (const name of ["open", "high", "low"]) parts.push([data.words[name], number(data[name][i]), null]);
  parts.push([data.words.close, number(data.close[i]), null]);
  if (data.volume[i]) parts.push([data.words.volume, data.volume[i].toLocaleString(data.locale), null]);
  for (const band of data.lines) if (band.name && band.values[i] !== null) parts.push([band.name, number(band.values[i]), band.colour]);
  if (data.rsi && data.rsi[i] !== null) parts.push(["RSI 14", data.rsi[i].toFixed(1), data.colours.rsi]);
  if (data.macd && data.macd[i] !== null) {
    parts.push(["MACD", number(data.macd[i]), data.colours.macd]);
    parts.push([data.words.signal, number(data.signal[i]), data.colours.signal]);
  }
  legend.replaceChildren(...parts.map(([name, value, colour]) => {
    const part = document.createElement("span");
    if (colour) {
      const swatch = document.createElement("i");
      swatch.className = "swatch";
      swatch.style.background = colour;
      part.append(swatch);
    }
    const label = document.createElement(value === null ? "b" : "span");
    label.textContent = value === null ? name : `${name} `;
    part.append(label);
    if (value !== null) {
      const figure = document.createElement("b");
      figure.textContent = value;
      part.append(figure);
    }
    return part;
  }));
}
