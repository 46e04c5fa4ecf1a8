import { colorTable } from "../plot/colorMaps";
import { channels, lightOf, type Look } from "./look";
import type { Mesh } from "./mesh";
import type { Projection } from "./projection";
import { FRAGMENT, MOST_LEVELS, MOST_TINTS, VERTEX } from "./shaders";
import { stackOrder } from "./stack";

/** A surface as it is to be drawn, or several over the same samples. */
export interface MeshJob {
  readonly meshes: readonly Mesh[];
  readonly projection: Projection;
  readonly look: Look;
  /** Pixels a CSS pixel. */
  readonly density: number;
}

/** Where the projection's box of a job was drawn: at the left, and so many pixels from the top. */
export interface DrawnMesh {
  readonly canvas: HTMLCanvasElement;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Draws surfaces on the graphics card, below each other on a canvas that all panels share. */
export interface MeshRenderer {
  /** The first of the jobs, as many as there is room for; nothing once the card is lost. */
  readonly draw: (jobs: readonly MeshJob[]) => readonly DrawnMesh[] | null;
}

// A canvas a little too large is cheaper than one made anew for every frame.
const SLACK = 64;
const LARGEST = 4096;
// Meshes that stay with the card: those of some panels, coarse and fine.
const MOST_MESHES = 64;

/** Nothing where there is no WebGL; `onLost` is called when the browser takes it away. */
export function createMeshRenderer(onLost: () => void): MeshRenderer | null {
  const canvas = document.createElement("canvas");
  // Smooth edges come from drawing larger, which can be left out while the picture moves.
  const gl = canvas.getContext("webgl2", { antialias: false, alpha: true });
  const program = gl && link(gl);
  if (!gl || !program) return null;
  canvas.addEventListener("webglcontextlost", onLost);
  const loaded = createLoader(gl, program);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const [key, value] of [
    [gl.TEXTURE_MIN_FILTER, gl.LINEAR],
    [gl.TEXTURE_MAG_FILTER, gl.LINEAR],
    [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE],
    [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
  ] as const) {
    gl.texParameteri(gl.TEXTURE_2D, key, value);
  }
  gl.useProgram(program);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const at = (name: string) => gl.getUniformLocation(program, name);
  const uniforms = {
    matrix: at("u_matrix"),
    top: at("u_top"),
    light: at("u_light"),
    pixel: at("u_pixel"),
    count: at("u_count"),
    levels: at("u_levels"),
    wire: at("u_wire"),
    tints: at("u_tints"),
    tinted: at("u_tinted"),
  };
  let colors: string | null = null;
  const drawOne = ({ meshes, projection, look, density }: MeshJob): void => {
    if (colors !== look.colorMap) {
      colors = look.colorMap;
      const table = colorTable(look.colorMap);
      const size = table.length / 3;
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, size, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, table);
    }
    gl.uniformMatrix4fv(uniforms.matrix, false, projection.matrix);
    gl.uniform1f(uniforms.top, projection.body.top);
    gl.uniform3fv(uniforms.light, lightOf(projection));
    gl.uniform1f(uniforms.pixel, density);
    const levels = look.levels.slice(0, MOST_LEVELS);
    gl.uniform1i(uniforms.count, levels.length);
    if (levels.length > 0) {
      const pairs = levels.flatMap(({ share, major }) => [share, major ? 1 : 0]);
      gl.uniform2fv(uniforms.levels, pairs);
    }
    gl.uniform4fv(uniforms.wire, look.wire === null ? [0, 0, 0, 0] : [...rgb(look.wire), 1]);
    const { vertices, corners } = loaded(meshes);
    gl.bindVertexArray(vertices);
    gl.uniform1i(uniforms.tinted, look.tints ? 1 : 0);
    if (look.tints) {
      const tints = look.tints.slice(0, MOST_TINTS);
      gl.uniform3fv(uniforms.tints, tints.flatMap(rgb));
      // One sees through them, which takes an order instead of depths.
      const [first] = meshes;
      const cells = stackOrder(meshes, projection);
      const triangles = trianglesOf(first?.ys.length ?? 0, cells);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.DYNAMIC_DRAW);
      gl.disable(gl.DEPTH_TEST);
      gl.enable(gl.BLEND);
    } else {
      gl.enable(gl.DEPTH_TEST);
      gl.disable(gl.BLEND);
    }
    gl.drawElements(gl.TRIANGLES, corners, gl.UNSIGNED_INT, 0);
  };
  return {
    draw(jobs) {
      if (gl.isContextLost()) return null;
      const drawn = layOut(canvas, jobs);
      const last = drawn.at(-1);
      if (!last) return drawn;
      const width = Math.max(...drawn.map((one) => one.width));
      const height = last.y + last.height;
      if (canvas.width < width || canvas.width > width + SLACK) canvas.width = width;
      if (canvas.height < height || canvas.height > height + SLACK) canvas.height = height;
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      for (const [n, { y, ...size }] of drawn.entries()) {
        const job = jobs[n];
        if (!job) break;
        // Rows of the card go up.
        gl.viewport(0, canvas.height - y - size.height, size.width, size.height);
        drawOne(job);
      }
      return drawn;
    },
  };
}

/** Places below each other, of as many jobs as the canvas has room for; of one at least. */
function layOut(canvas: HTMLCanvasElement, jobs: readonly MeshJob[]): DrawnMesh[] {
  const drawn: DrawnMesh[] = [];
  let y = 0;
  for (const { projection, density } of jobs) {
    const width = Math.min(LARGEST, Math.ceil(projection.box.width * density));
    const height = Math.min(LARGEST, Math.ceil(projection.box.height * density));
    if (y + height > LARGEST && y > 0) break;
    drawn.push({ canvas, y, width, height });
    y += height;
  }
  return drawn;
}

interface LoadedMesh {
  readonly vertices: WebGLVertexArrayObject;
  readonly buffers: readonly WebGLBuffer[];
  readonly corners: number;
}

/** Hands meshes to the card, once as long as they are drawn again and again. */
function createLoader(gl: WebGL2RenderingContext, program: WebGLProgram) {
  const kept = new Map<readonly Mesh[], LoadedMesh>();
  const load = (meshes: readonly Mesh[]): LoadedMesh => {
    const vertices = gl.createVertexArray();
    const buffers = [gl.createBuffer(), gl.createBuffer()] as const;
    gl.bindVertexArray(vertices);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[0]);
    gl.bufferData(gl.ARRAY_BUFFER, verticesOf(meshes), gl.STATIC_DRAW);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffers[1]);
    const triangles = trianglesOf(meshes[0]?.ys.length ?? 0, cellsOf(meshes));
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.STATIC_DRAW);
    for (const [name, size, offset] of LAYOUT) {
      const place = gl.getAttribLocation(program, name);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, gl.FLOAT, false, 4 * STRIDE, 4 * offset);
    }
    return { vertices, buffers, corners: triangles.length };
  };
  return (meshes: readonly Mesh[]): LoadedMesh => {
    const found = kept.get(meshes) ?? load(meshes);
    // A Map keeps the order of insertion: what was drawn last goes to the end.
    kept.delete(meshes);
    kept.set(meshes, found);
    for (const [oldest, { vertices, buffers }] of kept) {
      if (kept.size <= MOST_MESHES) break;
      kept.delete(oldest);
      gl.deleteVertexArray(vertices);
      for (const buffer of buffers) gl.deleteBuffer(buffer);
    }
    return found;
  };
}

// Place and height, slopes, indices of the sample, which surface.
const STRIDE = 8;
const LAYOUT = [
  ["a_sample", 3, 0],
  ["a_slope", 2, 3],
  ["a_index", 2, 5],
  ["a_number", 1, 7],
] as const;

function verticesOf(meshes: readonly Mesh[]): Float32Array {
  const samples = meshes[0]?.shares.length ?? 0;
  const result = new Float32Array(STRIDE * samples * meshes.length);
  for (const [number, { xs, ys, shares, slopes }] of meshes.entries()) {
    const rows = ys.length;
    for (let i = 0; i < xs.length; i += 1) {
      for (let j = 0; j < rows; j += 1) {
        const at = i * rows + j;
        const share = shares[at] ?? NaN;
        result.set(
          [
            xs[i] ?? 0,
            ys[j] ?? 0,
            // No triangle has a hole for a corner, but some cards stumble over NaN all the same.
            Number.isNaN(share) ? 0 : share,
            slopes[2 * at] ?? 0,
            slopes[2 * at + 1] ?? 0,
            i,
            j,
            number,
          ],
          STRIDE * (number * samples + at),
        );
      }
    }
  }
  return result;
}

/** The cells of all surfaces, numbered as in `stackOrder`. */
function cellsOf(meshes: readonly Mesh[]): Uint32Array {
  const samples = meshes[0]?.shares.length ?? 0;
  const parts = meshes.map(({ cells }, number) => cells.map((cell) => cell + number * samples));
  const [only] = parts;
  return only && parts.length === 1
    ? only
    : Uint32Array.from(parts.flatMap((cells) => Array.from(cells)));
}

function trianglesOf(rows: number, cells: Uint32Array): Uint32Array {
  const result = new Uint32Array(6 * cells.length);
  for (const [n, a] of cells.entries()) {
    const b = a + rows;
    result.set([a, b, b + 1, a, b + 1, a + 1], 6 * n);
  }
  return result;
}

function link(gl: WebGL2RenderingContext): WebGLProgram | null {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) return null;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) === true ? program : null;
}

function rgb(hex: string): number[] {
  return channels(hex).map((channel) => channel / 255);
}
