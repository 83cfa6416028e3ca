// The points of the map, drawn by WebGL from one buffer: 8 bytes a point, its place as two uint16 and
// its colour and mood as four uint8. Null where the browser has no WebGL.
const POINT_BYTES = 8;
const MOOD = { dim: 0, plain: 1, strong: 2 };
const VERTEX = `#version 300 es
in vec2 place;
in vec4 tone;
uniform vec2 scale;
uniform vec2 shift;
uniform float size;
uniform float opacity;
out vec4 colour;
out float across;
void main() {
  float mood = tone.a * 255.0;
  gl_Position = vec4(place * scale + shift, 0.0, 1.0);
  across = size * (mood > 1.5 ? 1.5 : mood > 0.5 ? 1.0 : 0.7);
  gl_PointSize = across;
  colour = vec4(tone.rgb, mood > 1.5 ? 1.0 : mood > 0.5 ? opacity : 0.3 * opacity);
}`;
// The edge of a dot is a pixel soft; a dot of three pixels or less is a square, which costs less.
const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 colour;
in float across;
out vec4 seen;
void main() {
  float inside = across < 3.0 ? 1.0 : clamp((0.5 - length(gl_PointCoord - 0.5)) * across, 0.0, 1.0);
  seen = vec4(colour.rgb, 1.0) * (colour.a * inside);
}`;

// Points come newest first. In steps of this many, which have no divisor in common with all of them,
// each is met once, and the first of them are an even sample.
const strideOf = (count) => {
  const common = (a, b) => (b ? common(b, a % b) : a);
  let stride = Math.max(1, Math.round(count * 0.618));
  while (common(count, stride) > 1) stride += 1;
  return stride;
};

const makePoints = (canvas) => {
  // Kept between frames: what is unchanged is not drawn again.
  const gl = canvas.getContext('webgl2', { antialias: false, depth: false, alpha: true, powerPreference: 'low-power' });
  if (!gl) return null;
  let runs = []; // of each mood: the first point and how many
  let at = {};
  const build = () => {
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    const place = gl.getAttribLocation(program, 'place');
    const tone = gl.getAttribLocation(program, 'tone');
    gl.enableVertexAttribArray(place);
    gl.enableVertexAttribArray(tone);
    gl.vertexAttribPointer(place, 2, gl.UNSIGNED_SHORT, false, POINT_BYTES, 0);
    gl.vertexAttribPointer(tone, 4, gl.UNSIGNED_BYTE, true, POINT_BYTES, 4);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA); // colours come multiplied by their opacity
    at = Object.fromEntries(['scale', 'shift', 'size', 'opacity'].map((one) => [one, gl.getUniformLocation(program, one)]));
  };
  build();
  canvas.addEventListener('webglcontextlost', (event) => event.preventDefault());
  canvas.addEventListener('webglcontextrestored', () => { build(); canvas.dispatchEvent(new Event('restored')); });
  return {
    // places: Uint16 x, y of each; colours: [r, g, b] of point i; moods: Uint8 of each.
    load: (places, colourOf, moods) => {
      const count = moods.length;
      const buffer = new ArrayBuffer(count * POINT_BYTES);
      const words = new Uint16Array(buffer);
      const bytes = new Uint8Array(buffer);
      let next = 0;
      runs = [];
      const stride = strideOf(count);
      // What is to be seen best is drawn last.
      for (const mood of Object.values(MOOD)) {
        const first = next;
        for (let k = 0, i = 0; k < count; k += 1, i = (i + stride) % count) {
          if (moods[i] !== mood) continue;
          words[next * 4] = places[2 * i];
          words[next * 4 + 1] = places[2 * i + 1];
          const colour = colourOf(i);
          for (let part = 0; part < 3; part += 1) bytes[next * POINT_BYTES + 4 + part] = colour[part];
          bytes[next * POINT_BYTES + 7] = mood;
          next += 1;
        }
        runs.push([first, next - first]);
      }
      gl.bufferData(gl.ARRAY_BUFFER, buffer, gl.STATIC_DRAW);
    },
    // view: left and top of the window in the map's units, and pixels a unit; sizes in pixels; of
    // what does not stand out a share is drawn.
    draw: ({ x, y, zoom }, width, height, size, opacity, share) => {
      gl.viewport(0, 0, width, height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform2f(at.scale, (2 * zoom) / width, (-2 * zoom) / height);
      gl.uniform2f(at.shift, (-2 * zoom * x) / width - 1, (2 * zoom * y) / height + 1);
      gl.uniform1f(at.size, size);
      gl.uniform1f(at.opacity, opacity);
      runs.forEach(([first, many], mood) =>
        gl.drawArrays(gl.POINTS, first, mood === MOOD.strong ? many : Math.ceil(many * share)));
    },
  };
};
