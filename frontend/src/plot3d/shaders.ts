import { SHADING, TRANSLUCENT } from "./look";

export const MOST_LEVELS = 24;
export const MOST_TINTS = 2;

export const VERTEX = `#version 300 es
uniform mat4 u_matrix;
uniform float u_top;
in vec3 a_sample;
in vec2 a_slope;
in vec2 a_index;
in float a_number;
flat out float v_number;
out float v_share;
out vec3 v_normal;
out vec2 v_index;
void main() {
  v_share = a_sample.z;
  v_normal = vec3(-a_slope * u_top, 1.0);
  v_index = a_index;
  v_number = a_number;
  gl_Position = u_matrix * vec4(a_sample.xy, a_sample.z * u_top, 1.0);
}`;

// Lines are as wide on screen wherever they are: a distance divided by how much it changes a pixel.
export const FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D u_colors;
uniform vec3 u_light;
uniform float u_pixel;
uniform int u_count;
uniform vec2 u_levels[${MOST_LEVELS}];
uniform vec4 u_wire;
uniform vec3 u_tints[${MOST_TINTS}];
uniform bool u_tinted;
flat in float v_number;
in float v_share;
in vec3 v_normal;
in vec2 v_index;
out vec4 color;
float cover(float distance, float width) {
  return clamp(width * u_pixel * 0.5 + 0.5 - distance, 0.0, 1.0);
}
void main() {
  vec3 own = u_tinted
    ? u_tints[int(v_number)]
    : texture(u_colors, vec2(clamp(v_share, 0.001, 0.999), 0.5)).rgb;
  float facing = max(0.0, dot(normalize(v_normal), u_light));
  vec3 shaded = own * (${SHADING.ambient.toFixed(3)} + ${SHADING.diffuse.toFixed(3)} * facing);
  float change = max(fwidth(v_share), 1e-7);
  float minor = 0.0;
  float major = 0.0;
  for (int i = 0; i < u_count; i += 1) {
    float line = cover(abs(v_share - u_levels[i].x) / change, u_levels[i].y > 0.5 ? 1.3 : 0.9);
    if (u_levels[i].y > 0.5) major = max(major, line);
    else minor = max(minor, line);
  }
  float line = max(0.5 * minor, 0.75 * major);
  shaded = mix(shaded, vec3(1.0), line);
  vec2 edge = abs(fract(v_index + 0.5) - 0.5) / max(fwidth(v_index), vec2(1e-7));
  float wire = cover(min(edge.x, edge.y), 1.0);
  if (u_tinted) {
    float solid = mix(max(${TRANSLUCENT.toFixed(3)}, line), wire, u_wire.a);
    color = vec4(mix(shaded, own, u_wire.a) * solid, solid);
    return;
  }
  color = vec4(mix(shaded, mix(u_wire.rgb, own, wire), u_wire.a), 1.0);
}`;
