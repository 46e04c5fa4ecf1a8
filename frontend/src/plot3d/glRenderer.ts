import { colorTable } from "../plot/colorMaps";
import { lightOf, type Look } from "./look";
import type { Mesh } from "./mesh";
import type { Projection } from "./projection";
import { FRAGMENT, MOST_LEVELS, VERTEX } from "./shaders";

/** Draws surfaces on the graphics card, one after the other on a canvas that all panels share. */
export interface MeshRenderer {
  /** The picture of the projection's box in its upper left corner; nothing once the card is lost. */
  readonly draw: (
    mesh: Mesh,
    projection: Projection,
    look: Look,
    density: number,
  ) => HTMLCanvasElement | null;
}

// A canvas a little too large is cheaper than one made anew for every panel.
const SLACK = 32;
const LARGEST = 4096;

/** Nothing where there is no WebGL; `onLost` is called when the browser takes it away. */
export function createMeshRenderer(onLost: () => void): MeshRenderer | null {
  const canvas = document.createElement("canvas");
  // Smooth edges come from drawing larger, which can be left out while the picture moves.
  const gl = canvas.getContext("webgl2", { antialias: false, alpha: true });
  const program = gl && link(gl);
  if (!gl || !program) return null;
  canvas.addEventListener("webglcontextlost", onLost);
  const vertices = gl.createBuffer();
  const indices = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, vertices);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, indices);
  for (const [name, size, offset] of LAYOUT) {
    const place = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, gl.FLOAT, false, 4 * STRIDE, 4 * offset);
  }
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
  gl.enable(gl.DEPTH_TEST);
  const at = (name: string) => gl.getUniformLocation(program, name);
  const uniforms = {
    matrix: at("u_matrix"),
    top: at("u_top"),
    light: at("u_light"),
    pixel: at("u_pixel"),
    count: at("u_count"),
    levels: at("u_levels"),
    wire: at("u_wire"),
  };
  let colors: string | null = null;
  return {
    draw(mesh, projection, look, density) {
      if (gl.isContextLost()) return null;
      const { box } = projection;
      const width = Math.min(LARGEST, Math.ceil(box.width * density));
      const height = Math.min(LARGEST, Math.ceil(box.height * density));
      if (canvas.width < width || canvas.width > width + SLACK) canvas.width = width;
      if (canvas.height < height || canvas.height > height + SLACK) canvas.height = height;
      gl.viewport(0, canvas.height - height, width, height);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      if (colors !== look.colorMap) {
        colors = look.colorMap;
        const table = colorTable(look.colorMap);
        const size = table.length / 3;
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, size, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, table);
      }
      gl.bufferData(gl.ARRAY_BUFFER, verticesOf(mesh), gl.STREAM_DRAW);
      const triangles = trianglesOf(mesh);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.STREAM_DRAW);
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
      gl.drawElements(gl.TRIANGLES, triangles.length, gl.UNSIGNED_INT, 0);
      return canvas;
    },
  };
}

// Place and height, slopes, indices of the sample.
const STRIDE = 7;
const LAYOUT = [
  ["a_sample", 3, 0],
  ["a_slope", 2, 3],
  ["a_index", 2, 5],
] as const;

function verticesOf({ xs, ys, shares, slopes }: Mesh): Float32Array {
  const result = new Float32Array(STRIDE * shares.length);
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
        ],
        STRIDE * at,
      );
    }
  }
  return result;
}

function trianglesOf({ ys, cells }: Mesh): Uint32Array {
  const rows = ys.length;
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
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);
}
