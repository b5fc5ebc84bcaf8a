/** What a shell must be told once; everything else is asked for by `troupe complete` (see complete.ts). */

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html */
const bash = `# troupe completion for bash. Add to ~/.bashrc: eval "$(troupe completion bash)"
_troupe() {
  local word describe
  COMPREPLY=()
  while IFS=$'\\t' read -r word describe; do
    COMPREPLY+=("$word")
  done < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _troupe troupe
`;

/** https://zsh.sourceforge.io/Doc/Release/Completion-System.html */
const zsh = `#compdef troupe
# troupe completion for zsh. Add to ~/.zshrc after compinit: eval "$(troupe completion zsh)"
_troupe() {
  local -a candidates
  local line
  for line in "\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#candidates} )); then _describe troupe candidates; else _files; fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _troupe "$@"; else compdef _troupe troupe; fi
`;

/** https://fishshell.com/docs/current/completions.html */
const fish = `# troupe completion for fish. Save as ~/.config/fish/completions/troupe.fish
function __troupe_complete
  set -l before (commandline -opc)
  set -l current (commandline -ct)
  $before[1] complete -- $before[2..-1] "$current" 2>/dev/null
end
complete -c troupe -a "(__troupe_complete)"
`;

export const COMPLETION_SCRIPTS: Record<Shell, string> = { bash, zsh, fish };
