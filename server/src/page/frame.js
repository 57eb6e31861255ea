// The last frame of a job on a canvas, from the farthest particle to the nearest. Drag or the arrow keys turn it, the wheel (once it has the focus) or + and - zoom, 0 goes back.
const colours = {
  H: "#e8e8e8", C: "#8a8a8a", N: "#4a6cf0", O: "#e04030", F: "#80d060", Na: "#a070e0", Mg: "#60b060", P: "#f09030",
  S: "#e0c030", Cl: "#40c050", K: "#9040c0", Ar: "#50b8c8", Ca: "#508040", Zn: "#8080b0", Br: "#a04030", Kr: "#50a0b8",
};
const others = ["#4a90d9", "#d98a3d", "#5fb35f", "#c06fb0", "#c0b04a", "#4ab8b0", "#d96a6a", "#8888a0"];
// Radii of elements, pm (Bondi, J. Phys. Chem. 68, 441, 1964, to the nearest ten); what is no element is as large as carbon.
const radii = { H: 120, C: 170, N: 160, O: 150, F: 150, Na: 230, Mg: 170, P: 180, S: 180, Cl: 180, K: 280, Ar: 190, Zn: 140, Br: 190, Kr: 200 };
const shortest = 3000;

let canvas = null, scene = null, shown = "", asked = 0, due = 0;
let turn = null, zoom = 1, drag = null;

function front() { turn = [1, 0, 0, 0, 1, 0, 0, 0, 1]; zoom = 1; }

// Turns what is seen about the vertical axis by `across`, and about the horizontal one by `down`.
function rotate(across, down) {
  const [ca, sa, cd, sd] = [Math.cos(across), Math.sin(across), Math.cos(down), Math.sin(down)];
  const by = [ca, 0, sa, sd * sa, cd, -sd * ca, -cd * sa, sd, cd * ca];
  const product = (row, column) => by[3 * row] * turn[column] + by[3 * row + 1] * turn[3 + column] + by[3 * row + 2] * turn[6 + column];
  turn = [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => product(row, column)));
}

// A sphere in one colour, lit from above on the left, drawn once and then copied.
function sphere(colour) {
  const side = 64, picture = document.createElement("canvas");
  picture.width = picture.height = side;
  const pen = picture.getContext("2d"), light = pen.createRadialGradient(22, 20, 2, 32, 32, 31);
  light.addColorStop(0, "#ffffff");
  light.addColorStop(0.3, colour);
  light.addColorStop(0.75, colour);
  light.addColorStop(1, "#303030");
  pen.fillStyle = light;
  pen.beginPath();
  pen.arc(32, 32, 31, 0, 2 * Math.PI);
  pen.fill();
  return picture;
}

// What was fetched, made ready: reach in pm, size and picture of each kind.
function prepare(found) {
  const count = found.kinds.length;
  let reach = 1;
  for (let index = 0; index < count; index++) reach = Math.max(reach, Math.hypot(...found.at.slice(3 * index, 3 * index + 3)));
  // Where nothing is bound, spheres fill a part of the room that there is for each.
  const room = reach * Math.cbrt(4 / Math.max(count, 1));
  found.reach = reach + 150;
  found.colours = found.names.map((name, index) => colours[name] ?? others[index % others.length]);
  found.sizes = found.names.map((name) => found.bonds.length ? 0.28 * (radii[name] ?? 170) : 0.28 * room * (radii[name] ?? 170) / 170);
  found.pictures = found.colours.map(sphere);
  return found;
}

function legend(pen, height) {
  const text = getComputedStyle(canvas).color;
  pen.font = "22px system-ui, sans-serif";
  pen.textBaseline = "middle";
  let left = 16;
  scene.names.slice(0, 12).forEach((name, index) => {
    pen.drawImage(scene.pictures[index], left, height - 36, 22, 22);
    pen.fillStyle = text;
    pen.fillText(name, left + 28, height - 24);
    left += 48 + pen.measureText(name).width;
  });
}

function draw() {
  const pen = canvas.getContext("2d"), { width, height } = canvas;
  pen.clearRect(0, 0, width, height);
  if (!scene) return;
  const { at, kinds, bonds, reach } = scene, count = kinds.length, eye = 4 * reach;
  const scale = zoom * 0.47 * Math.min(width, height) / reach;
  const places = new Float64Array(4 * count), things = [];
  for (let index = 0; index < count; index++) {
    const [x, y, z] = [at[3 * index], at[3 * index + 1], at[3 * index + 2]];
    const depth = turn[6] * x + turn[7] * y + turn[8] * z, near = scale * eye / (eye - depth);
    places[4 * index] = width / 2 + near * (turn[0] * x + turn[1] * y + turn[2] * z);
    places[4 * index + 1] = height / 2 - near * (turn[3] * x + turn[4] * y + turn[5] * z);
    places[4 * index + 2] = depth;
    places[4 * index + 3] = near;
    things.push([depth, index, -1]);
  }
  for (const [one, other] of bonds) things.push([(places[4 * one + 2] + places[4 * other + 2]) / 2 - 1, one, other]);
  things.sort((a, b) => a[0] - b[0]);
  pen.lineCap = "round";
  pen.strokeStyle = "#888888";
  for (const [depth, index, other] of things) {
    // What is far is paler.
    pen.globalAlpha = 0.7 + 0.3 * Math.max(-1, Math.min(1, depth / reach));
    const [x, y, near] = [places[4 * index], places[4 * index + 1], places[4 * index + 3]];
    if (other < 0) {
      const radius = Math.max(near * scene.sizes[kinds[index]], 1.5);
      pen.drawImage(scene.pictures[kinds[index]], x - radius, y - radius, 2 * radius, 2 * radius);
    } else {
      pen.lineWidth = Math.max(20 * near, 1);
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(places[4 * other], places[4 * other + 1]);
      pen.stroke();
    }
  }
  pen.globalAlpha = 1;
  legend(pen, height);
}

let waits = false;
function redraw() {
  if (waits) return;
  waits = true;
  requestAnimationFrame(() => { waits = false; if (canvas) draw(); });
}

const keys = {
  ArrowLeft: () => rotate(-0.12, 0), ArrowRight: () => rotate(0.12, 0), ArrowUp: () => rotate(0, -0.12), ArrowDown: () => rotate(0, 0.12),
  "+": () => { zoom = Math.min(zoom * 1.15, 20); }, "=": () => keys["+"](), "-": () => { zoom = Math.max(zoom / 1.15, 0.2); }, 0: front,
};

function listen() {
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); drag = [event.clientX, event.clientY]; });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    rotate((event.clientX - drag[0]) / 120, (event.clientY - drag[1]) / 120);
    drag = [event.clientX, event.clientY];
    redraw();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { drag = null; });
  // Without the focus the wheel moves the page, as everywhere else on it.
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas) return;
    event.preventDefault();
    keys[event.deltaY < 0 ? "+" : "-"]();
    redraw();
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (!Object.hasOwn(keys, event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
    redraw();
  });
}

// Fetches what the canvas names now, unless it is shown; not more often than every three seconds.
async function look() {
  const found = document.getElementById("frame");
  if (found !== canvas) {
    canvas = found;
    shown = "";
    if (canvas) { if (!turn) front(); listen(); }
  }
  const wanted = canvas?.dataset.frame;
  if (!wanted || wanted === shown || due) return;
  const pause = asked + shortest - performance.now();
  if (asked && pause > 0) { due = setTimeout(() => { due = 0; look(); }, pause); return; }
  asked = performance.now();
  shown = wanted;
  const answer = await fetch(wanted).catch(() => null);
  if (answer?.ok) { scene = prepare(await answer.json()); redraw(); }
}

new MutationObserver(look).observe(document.getElementById("content"), { subtree: true, childList: true, attributes: true, attributeFilter: ["data-frame"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
look();
