# Sourced by the other scripts: where the repository is, and how they speak.
# shellcheck shell=bash

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
export root
readonly root

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' red='' plain=''
fi
readonly bold red plain

# The name before each line is that of the script that speaks, as a person would type it.
me="scripts/$(basename -- "$0")"
readonly me

say() { printf '%s%s:%s %s\n' "$bold" "$me" "$plain" "$*"; }
warn() { printf '%s: %s\n' "$me" "$*" >&2; }
die() {
  printf '%s%s: %s%s\n' "$red" "$me" "$*" "$plain" >&2
  exit 1
}

# elapsed SECONDS: 7 s, 3 min 07 s.
elapsed() {
  if (($1 < 60)); then
    printf '%d s' "$1"
  else
    printf '%d min %02d s' $(($1 / 60)) $(($1 % 60))
  fi
}

# tracked_files PATTERN…: the repository's own files, one a line, those that were deleted and not yet committed left out.
tracked_files() {
  git -C "$root" ls-files -- "$@" | while IFS= read -r file; do
    [[ ! -f $root/$file ]] || printf '%s\n' "$file"
  done
}
