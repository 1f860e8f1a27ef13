/** The colours of the attention viewer: of weights, and of several heads that are drawn together. */

import { channels, mix } from "./core.js";

const STOPS = {
  light: "FFFFFF E3EFF8 C3DDF0 9BC8E6 6DAFDA 3D93CA 0072B2 005D96 004775 003052".split(" "),
  dark: "0F1318 12202C 143145 174763 1C6288 2A82B3 56B4E9 86CBF3 B2E0FA DDF3FF".split(" "),
};
/** Colours of heads drawn together; where they come again, the lines are broken. */
export const HEADS = {
  light: "#0072B2 #D55E00 #009E73 #A3487F #B58900 #56B4E9 #6B7280".split(" "),
  dark: "#56B4E9 #FF9E4A #3CC9A3 #E3A3C6 #E6C35C #9BD3F3 #A1A9B5".split(" "),
};
export const DASHES = [[], [7, 4], [2, 4]];

const palettes = new Map();

/** 256 colours for weights, as CSS, as the four bytes of a pixel, and with the ink that can be read on each. */
export function paletteOf(theme) {
  const key = `${theme.dark}${theme.paper}${theme.panel}`;
  let found = palettes.get(key);
  if (!found) {
    const stops = STOPS[theme.dark ? "dark" : "light"].map((stop) => channels(`#${stop}`));
    stops[0] = channels(mix(theme.paper, theme.panel, 0.6)); // as white as the paper, a tiny weight would look emptier than none
    const colours = Array.from({ length: 256 }, (_, place) => {
      const at = (place / 255) * (stops.length - 1);
      const below = Math.min(Math.floor(at), stops.length - 2);
      return stops[below].map((value, one) => Math.round(value + (stops[below + 1][one] - value) * (at - below)));
    });
    const pixels = new Uint32Array(256);
    const bytes = new Uint8Array(pixels.buffer);
    colours.forEach((colour, place) => bytes.set([...colour, 255], 4 * place));
    const css = colours.map((colour) => `#${colour.map((value) => value.toString(16).padStart(2, "0")).join("")}`);
    found = { css, pixels, inks: colours.map((colour) => (luminance(colour) > 0.179 ? "#000000" : "#FFFFFF")) };
    palettes.set(key, found);
  }
  return found;
}

/** Relative luminance of red, green and blue in sRGB (WCAG 2.1); above 0.179 black can be read better than white. */
function luminance(colour) {
  const [red, green, blue] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
