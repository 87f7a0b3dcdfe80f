// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
// The matrix of modules and kernels, and its filters. `Data` in html/data.rs says what the data are.
"use strict";
(() => {
	const $ = (id) => document.getElementById(id);
	const { kernels, verdicts, words, reasons, cells, rows } = JSON.parse($("data").textContent);
	const SIDES = ["stock", "with Rust"];
	// The rows are drawn and removed this many at a time, and within this distance of the window.
	const CHUNK = 40;
	const MARGIN = 800;
	// A list of reasons has at most this many in print, if more modules than these are shown.
	const PRINTED = 12;
	const FEW = 200;

	const number = (n) => n.toLocaleString("en");
	const isRefusal = (word) => verdicts[words[word][1]].refusal;

	// An element with attributes and children; text is text, never markup.
	function make(tag, attributes = {}, ...children) {
		const element = document.createElement(tag);
		for (const [name, value] of Object.entries(attributes)) {
			element.setAttribute(name, value);
		}
		element.append(...children);
		return element;
	}

	// The reasons of a cell are ranges of numbers, in base 36: "0-z 14 18-1e".
	const ranges = cells.map(() => null);
	function rangesOf(cell) {
		if (!ranges[cell]) {
			const texts = cells[cell][2].split(" ").filter(Boolean);
			ranges[cell] = texts.map((text) => {
				const ends = text.split("-").map((end) => parseInt(end, 36));
				return [ends[0], ends[ends.length - 1]];
			});
		}
		return ranges[cell];
	}
	function reasonsOf(cell) {
		const numbers = [];
		for (const [first, last] of rangesOf(cell)) {
			for (let reason = first; reason <= last; reason++) {
				numbers.push(reason);
			}
		}
		return numbers;
	}

	// The filter.

	const ALL = "all";
	const PROBLEMS = "problems";
	const ONLY_STOCK = "only-stock";
	const ONLY_RUST = "only-rust";
	const TEXTS = {
		[PROBLEMS]: "only problems",
		[ONLY_STOCK]: "stock refuses, Rust accepts",
		[ONLY_RUST]: "stock accepts, Rust refuses",
	};
	const filter = { text: "", verdict: ALL, kernel: -1, side: -1, reason: -1 };

	// Whether a cell has the verdict, of the kernels that the filter is for.
	function hasVerdict(cell, verdict) {
		const [stock, rust] = cells[cell];
		const sides = filter.side < 0 ? [stock, rust] : [cells[cell][filter.side]];

		switch (verdict) {
			case ALL:
				return true;
			case PROBLEMS:
				return sides.some(isRefusal);
			case ONLY_STOCK:
				return isRefusal(stock) && !isRefusal(rust);
			case ONLY_RUST:
				return !isRefusal(stock) && isRefusal(rust);
			default:
				return sides.some((word) => words[word][1] === verdict);
		}
	}

	// The cells of a row that the filter is for.
	const asked = ([, cells]) => (filter.kernel < 0 ? cells : [cells[filter.kernel]]);

	// For each cell whether it has one of these reasons.
	function cellsWith(isWanted) {
		const before = new Uint32Array(reasons.length + 1);
		reasons.forEach((reason, i) => (before[i + 1] = before[i] + (isWanted(reason, i) ? 1 : 0)));
		return (cell) => rangesOf(cell).some(([first, last]) => before[last + 1] > before[first]);
	}

	const lowerNames = rows.map(([name]) => name.toLowerCase());
	const lowerReasons = reasons.map((reason) => reason.toLowerCase());

	function matching() {
		const text = filter.text.toLowerCase();
		const withReason = filter.reason < 0 ? () => true : cellsWith((_, i) => i === filter.reason);
		const withText = text === "" ? () => true : cellsWith((_, i) => lowerReasons[i].includes(text));
		const fits = cells.map((_, cell) => hasVerdict(cell, filter.verdict) && withReason(cell));
		const says = cells.map((_, cell) => fits[cell] && withText(cell));
		const isShown = (row, i) => {
			const wanted = lowerNames[i].includes(text) ? fits : says;
			return asked(row).some((cell) => wanted[cell]);
		};

		return rows.map((_, i) => i).filter((i) => isShown(rows[i], i));
	}

	// How many modules have the verdict.
	function count(verdict) {
		const has = cells.map((_, cell) => hasVerdict(cell, verdict));
		return rows.filter((row) => asked(row).some((cell) => has[cell])).length;
	}

	// The matrix. Only the rows near the window are in the document: those of a chunk are together,
	// and a gap of their height is in their place.

	const table = $("matrix");
	let shown = [];
	let chunks = [];
	// The rows whose reasons are shown, with the number of a kernel, or -1 for all kernels.
	const open = new Map();
	let printing = false;
	// The cell that the keyboard is on: its place among the shown rows, and its column.
	const active = { at: 0, column: 0 };
	let rowHeight = 30;

	const observer = new IntersectionObserver(
		(entries) => {
			for (const { target, isIntersecting } of entries) {
				const chunk = chunks.find(({ body }) => body === target);
				if (chunk && !printing) {
					isIntersecting ? fill(chunk) : empty(chunk);
				}
			}
		},
		{ rootMargin: `${MARGIN}px 0px` },
	);

	function verdict(word, side) {
		const [text, of] = words[word];
		const label = side === undefined ? [] : [make("small", {}, side ? "Rust" : "stock"), " "];
		return make("span", { class: `verdict ${verdicts[of].class}` }, ...label, make("span", {}, text));
	}

	// The text, with what is searched for marked.
	function marked(text) {
		const wanted = filter.text.toLowerCase();
		const lower = text.toLowerCase();
		const start = lower.length === text.length && wanted !== "" ? lower.indexOf(wanted) : -1;
		if (start < 0) {
			return [text];
		}
		const end = start + wanted.length;
		return [text.slice(0, start), make("mark", {}, text.slice(start, end)), text.slice(end)];
	}

	function drawRow(at) {
		const [name, of] = rows[shown[at]];
		const tr = make("tr", { class: "row", "data-at": at, "aria-rowindex": at + 2 });
		const caret = make("span", { class: "caret" });
		tr.append(make("th", { scope: "row" }, caret, make("span", { class: "name" }, ...marked(name))));
		for (const cell of of) {
			const [stock, rust] = cells[cell];
			const same = stock === rust;
			tr.append(make("td", {}, ...(same ? [verdict(stock)] : [verdict(stock, 0), verdict(rust, 1)])));
		}
		[...tr.cells].forEach((cell, column) => {
			cell.setAttribute("role", column ? "gridcell" : "rowheader");
			cell.tabIndex = at === active.at && column === active.column ? 0 : -1;
		});
		return tr;
	}

	// The row with the reasons of a module, on one kernel or on all.
	function drawReasons(row, kernel) {
		const of = rows[row][1];
		const asked = kernel < 0 ? kernels.map((_, i) => i) : [kernel];
		const names = (numbers) => numbers.map((i) => kernels[i].name).join(", ");
		const inside = make("div", { class: "why-in" });

		if (kernel >= 0) {
			const [stock, rust] = cells[of[kernel]];
			const line = make("p", {}, make("b", { class: "name" }, names(asked)), ": ");
			line.append(...(stock === rust
				? ["stock and with Rust ", verdict(stock)]
				: ["stock ", verdict(stock), ", with Rust ", verdict(rust)]));
			inside.append(line);
		}

		const where = new Map();
		for (const i of asked) {
			for (const reason of reasonsOf(of[i])) {
				where.set(reason, [...(where.get(reason) ?? []), i]);
			}
		}
		const groups = [...grouped([...where.keys()], (reason) => where.get(reason).join()).values()];
		groups.sort(([a], [b]) => where.get(b).length - where.get(a).length);
		for (const group of groups) {
			const on = where.get(group[0]);
			if (kernel < 0 && kernels.length > 1) {
				const all = on.length === asked.length;
				const those = all ? `all ${number(on.length)} kernels` : make("span", { class: "name" }, names(on));
				inside.append(make("h3", {}, "On ", those));
			}
			inside.append(list(group.sort((a, b) => a - b)));
		}
		if (where.size === 0) {
			inside.append(make("p", { class: "muted" }, "No reason to refuse it was found."));
		}
		const td = make("td", { colspan: kernels.length + 1, role: "gridcell" }, inside);
		return make("tr", { class: "why", id: `why-${row}` }, td);
	}

	function list(group) {
		const most = printing && shown.length > FEW ? PRINTED : group.length;
		const items = group.slice(0, most).map((i) => make("li", { class: "reason" }, ...marked(reasons[i])));
		if (group.length > most) {
			items.push(make("li", {}, `and ${number(group.length - most)} more`));
		}
		return make("ul", items.length > 6 ? { class: "many" } : {}, ...items);
	}

	function grouped(things, key) {
		const groups = new Map();
		for (const thing of things) {
			const of = key(thing);
			groups.set(of, [...(groups.get(of) ?? []), thing]);
		}
		return groups;
	}

	// Shows or removes the reasons below a row that is in the document.
	function refresh(tr) {
		const row = shown[tr.dataset.at];
		const kernel = open.get(row);
		const hasReasons = () => rows[row][1].some((cell) => cells[cell][2] !== "");
		const isOpen = printing ? hasReasons() : kernel !== undefined;

		if (tr.nextSibling?.className === "why") {
			tr.nextSibling.remove();
		}
		if (isOpen) {
			tr.after(drawReasons(row, printing ? -1 : kernel));
		}
		[...tr.cells].forEach((cell, column) => {
			const isAsked = isOpen && !printing && kernel === column - 1;
			cell.setAttribute("aria-expanded", isOpen);
			cell.classList.toggle("asked", isAsked);
			isOpen ? cell.setAttribute("aria-controls", `why-${row}`) : cell.removeAttribute("aria-controls");
		});
	}

	function fill(chunk) {
		if (chunk.filled) {
			return;
		}
		const trs = [];
		for (let at = chunk.start; at < chunk.end; at++) {
			trs.push(drawRow(at));
		}
		chunk.filled = true;
		chunk.body.replaceChildren(...trs);
		trs.forEach((tr) => refresh(tr));
	}

	function empty(chunk) {
		// The keyboard must find its way back.
		const isActive = chunk.start <= active.at && active.at < chunk.end;
		if (!chunk.filled || isActive) {
			return;
		}
		const { height } = chunk.body.getBoundingClientRect();
		if (open.size === 0) {
			rowHeight = height / (chunk.end - chunk.start);
		}
		chunk.filled = false;
		gap(chunk, height);
	}

	function gap(chunk, height) {
		const tr = make("tr", { class: "gap", "aria-hidden": "true" }, make("td", { colspan: kernels.length + 1 }));
		tr.style.height = `${height}px`;
		chunk.body.replaceChildren(tr);
	}

	function draw() {
		shown = matching();
		observer.disconnect();
		for (const { body } of chunks) {
			body.remove();
		}
		chunks = [];
		[active.at, active.column] = [0, 0];
		for (let start = 0; start < shown.length; start += CHUNK) {
			const end = Math.min(start + CHUNK, shown.length);
			const chunk = { body: make("tbody"), start, end, filled: false };
			gap(chunk, rowHeight * (end - start));
			chunks.push(chunk);
		}
		if (chunks.length) {
			fill(chunks[0]);
		}
		table.append(...chunks.map(({ body }) => body));
		chunks.forEach(({ body }) => observer.observe(body));
		table.setAttribute("aria-rowcount", shown.length + 1);
		$("empty").hidden = shown.length > 0;
		say();
	}

	// What the filter does, in words.
	function say() {
		const conditions = [];
		if (filter.verdict !== ALL) {
			conditions.push(TEXTS[filter.verdict] ?? `only “${verdicts[filter.verdict].text}”`);
		}
		if (filter.kernel >= 0) {
			conditions.push(`on ${kernels[filter.kernel].name}`);
		}
		if (filter.side >= 0) {
			conditions.push(SIDES[filter.side]);
		}
		if (filter.text) {
			conditions.push(`with “${filter.text}” in the name or a reason`);
		}
		if (filter.reason >= 0) {
			conditions.push(`with the reason “${reasons[filter.reason]}”`);
		}
		const are = conditions.length ? `: ${conditions.join(", ")}.` : ".";
		const text = `${number(shown.length)} of ${number(rows.length)} modules are shown${are}`;
		if ($("status").textContent !== text) {
			$("status").textContent = text;
		}
		$("show-all").hidden = conditions.length === 0;
		const isAll = shown.length > 0 && shown.every((row) => open.has(row));
		$("open-all").textContent = isAll ? "Close all reasons" : "Open all reasons";
		$("open-all").hidden = shown.length === 0;
	}

	// The keyboard.

	const chunkOf = (at) => chunks[Math.floor(at / CHUNK)];

	function rowAt(at) {
		const chunk = chunkOf(at);
		fill(chunk);
		return chunk.body.querySelector(`[data-at="${at}"]`);
	}

	function go(at, column) {
		const before = table.querySelector(".row > [tabindex='0']");
		if (before) {
			before.tabIndex = -1;
		}
		active.at = Math.max(0, Math.min(at, shown.length - 1));
		active.column = Math.max(0, Math.min(column, kernels.length));
		const cell = rowAt(active.at).cells[active.column];
		cell.tabIndex = 0;
		cell.focus();
	}

	function toggle(at, kernel) {
		const row = shown[at];
		open.get(row) === kernel ? open.delete(row) : open.set(row, kernel);
		refresh(rowAt(at));
		say();
	}

	function onKey(event) {
		const cell = event.target.closest(".row > *");
		if (!cell || event.altKey || event.metaKey) {
			return;
		}
		const { at, column } = active;
		const page = Math.max(1, Math.floor(window.innerHeight / rowHeight / 2));
		const last = shown.length - 1;
		const moves = {
			ArrowUp: [at - 1, column],
			ArrowDown: [at + 1, column],
			ArrowLeft: [at, column - 1],
			ArrowRight: [at, column + 1],
			PageUp: [at - page, column],
			PageDown: [at + page, column],
			Home: [event.ctrlKey ? 0 : at, 0],
			End: [event.ctrlKey ? last : at, kernels.length],
		};

		if (event.key in moves) {
			go(...moves[event.key]);
		} else if (event.key === "Enter" || event.key === " ") {
			toggle(at, column - 1);
		} else if (event.key === "Escape" && open.has(shown[at])) {
			toggle(at, open.get(shown[at]));
		} else {
			return;
		}
		event.preventDefault();
	}

	table.addEventListener("keydown", onKey);
	table.addEventListener("click", ({ target }) => {
		const cell = target.closest(".row > *");
		const isSelection = String(window.getSelection()) !== "";
		if (cell && !isSelection) {
			const at = Number(cell.parentElement.dataset.at);
			go(at, cell.cellIndex);
			toggle(at, cell.cellIndex - 1);
		}
	});
	document.addEventListener("keydown", (event) => {
		const isTyping = event.target.closest("input");
		if (event.key === "/" && !isTyping && !event.ctrlKey && !event.altKey && !event.metaKey) {
			event.preventDefault();
			$("text").focus();
			$("text").select();
		}
	});

	// The controls.

	function changed(change) {
		Object.assign(filter, change);
		fillVerdicts();
		$("text").value = filter.text;
		$("kernel").value = filter.kernel;
		$("side").value = filter.side;
		for (const button of document.querySelectorAll("[data-pick]")) {
			const pick = JSON.parse(button.dataset.pick);
			const is = Object.entries(pick).every(([name, value]) => filter[name] === value);
			button.setAttribute("aria-pressed", is);
		}
		draw();
	}

	const option = (value, text) => make("option", { value }, text);

	function fillVerdicts() {
		const values = [...Object.keys(TEXTS), ...verdicts.keys()];
		const options = [option(ALL, `all modules (${number(rows.length)})`)];
		for (const value of values) {
			const text = TEXTS[value] ?? verdicts[value].text;
			const modules = count(value);
			if (modules > 0 || filter.verdict === value) {
				options.push(option(value, `${text} (${number(modules)})`));
			}
		}
		$("verdict").replaceChildren(...options);
		$("verdict").value = filter.verdict;
	}

	const NONE = { text: "", verdict: ALL, kernel: -1, side: -1, reason: -1 };
	$("text").addEventListener("input", ({ target }) => changed({ text: target.value }));
	$("text").addEventListener("keydown", (event) => {
		if (event.key === "Escape") {
			event.preventDefault();
			filter.text === "" ? event.target.blur() : changed({ text: "" });
		}
	});
	$("verdict").addEventListener("change", ({ target: { value } }) => {
		changed({ verdict: /^\d/.test(value) ? Number(value) : value });
	});
	$("kernel").addEventListener("change", ({ target }) => changed({ kernel: Number(target.value) }));
	$("side").addEventListener("change", ({ target }) => changed({ side: Number(target.value) }));
	$("show-all").addEventListener("click", () => {
		changed(NONE);
		$("text").focus();
	});
	$("open-all").addEventListener("click", () => {
		const isAll = shown.every((row) => open.has(row));
		open.clear();
		if (!isAll) {
			shown.forEach((row) => open.set(row, -1));
		}
		draw();
	});

	// Makes a button of a count or of a reason on top: it sets the filter.
	function pickable(element, pick, label) {
		const attributes = { type: "button", "data-pick": JSON.stringify(pick), "aria-pressed": "false" };
		const button = make("button", label ? { ...attributes, "aria-label": label } : attributes);
		button.append(...element.childNodes);
		element.append(button);
		button.addEventListener("click", () => {
			const isPressed = button.getAttribute("aria-pressed") === "true";
			changed(isPressed ? NONE : { ...NONE, ...pick });
			$("matrix-part").scrollIntoView();
		});
	}

	for (const td of document.querySelectorAll("[data-verdict]")) {
		const { verdict, kernel, side } = td.dataset;
		const pick = { verdict: Number(verdict), kernel: Number(kernel), side: Number(side) };
		const label = `${td.textContent} modules: ${verdicts[verdict].text}, ${kernels[kernel].name}, ${SIDES[side]}`;
		pickable(td, pick, label);
	}
	for (const span of document.querySelectorAll("[data-reason]")) {
		pickable(span, { reason: Number(span.dataset.reason) });
	}

	$("kernel").append(option(-1, "any kernel"), ...kernels.map(({ name }, i) => option(i, name)));
	$("kernel").parentElement.hidden = kernels.length === 1;
	$("side").append(option(-1, "stock or with Rust"), ...SIDES.map((side, i) => option(i, side)));

	// Sizes that the style sheet needs.

	const root = document.documentElement;
	function measure() {
		root.style.setProperty("--window", `${root.clientWidth}px`);
		root.style.setProperty("--bar", `${$("bar").offsetHeight}px`);
		root.style.setProperty("--head", `${table.tHead.offsetHeight}px`);
	}
	table.style.width = `max(var(--window), calc(var(--first) + ${kernels.length} * 10.5rem))`;

	// Print has all rows that are shown, with their reasons.

	function print(on) {
		if (printing === on) {
			return;
		}
		printing = on;
		for (const chunk of chunks) {
			if (on && chunk.filled) {
				chunk.body.querySelectorAll(".row").forEach((tr) => refresh(tr));
			} else if (on) {
				fill(chunk);
			}
		}
		$("printed").hidden = !on || shown.length <= FEW;
		if (!on) {
			const { scrollX, scrollY } = window;
			draw();
			window.scrollTo(scrollX, scrollY);
		}
	}
	window.addEventListener("beforeprint", () => print(true));
	window.addEventListener("afterprint", () => print(false));
	window.matchMedia("print").addEventListener("change", ({ matches }) => print(matches));

	const columns = [make("col"), ...kernels.map(() => make("col"))];
	const heads = [
		make("th", { scope: "col", role: "columnheader" }, "Module"),
		...kernels.map(({ name, path }) => make("th", { scope: "col", role: "columnheader", title: path }, name)),
	];
	table.append(make("colgroup", {}, ...columns), make("thead", {}, make("tr", { "aria-rowindex": 1 }, ...heads)));
	table.setAttribute("aria-colcount", heads.length);
	root.classList.add("js");
	$("matrix-part").hidden = false;
	$("printed").textContent = `Of a list of reasons at most ${PRINTED} are printed; ` +
		`all if the filter leaves ${FEW} modules or fewer.`;
	const hasProblem = cells.some(([stock, rust]) => isRefusal(stock) || isRefusal(rust));
	changed({ verdict: hasProblem ? PROBLEMS : ALL });
	measure();
	new ResizeObserver(measure).observe($("bar"));
	window.addEventListener("resize", measure);
})();
