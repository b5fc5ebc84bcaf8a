/**
 * In place of the package of this name, which yargs lays out help with: that one makes regular expressions of all emoji
 * when it is loaded, which takes as long as all the rest of a command.
 */
import measure from "fast-string-truncated-width";

export default (text) => measure(text).width;
