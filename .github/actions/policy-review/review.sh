#!/usr/bin/env bash
# review.sh BEFORE POLICY [FINDINGS…]: the review of a changed policy as Markdown on standard output.
# BEFORE may be missing (a new policy). Exit status 1 when the policy does not pass its check, otherwise 0: a difference is no failure.
set -euo pipefail
before=$1 policy=$2
shift 2
firebreak() { node "$(dirname "${BASH_SOURCE[0]}")/../../../bin/firebreak.js" "$@"; }

# A comment takes 65,536 characters; three sections of 20,000 fit.
LIMIT=20000

# section TITLE TEXT: folded, as code. The fence is longer than any run of backticks in the text, which a pull request chooses.
section() {
  local title=$1 text=$2 fence='````' shown
  while [[ $text == *"$fence"* ]]; do fence+='`'; done
  shown=${text:0:LIMIT}
  printf '<details><summary>%s</summary>\n\n%stext\n%s\n%s\n' "$title" "$fence" "$shown" "$fence"
  ((${#text} <= LIMIT)) || printf '\nCut at %d of %d characters; the same command on your machine shows all of it.\n' "$LIMIT" "${#text}"
  printf '\n</details>\n\n'
}

echo '### Firebreak policy review'
echo
status=0
checked=$(firebreak policy check "$policy" 2>&1) || status=$?
if ((status != 0)); then
  echo '**The policy does not pass its check.**'
  echo
  section 'policy check' "$checked"
  exit 1
fi
echo 'The policy passes its check.'
echo
section 'policy check' "$checked"

if [[ ! -f $before ]]; then
  echo 'There was no policy before this change, so nothing is compared.'
  exit 0
fi

# compare NAME COMMAND…: 0 says that both decide alike, 1 that they differ; anything else is an error, and is shown as one.
compare() {
  local name=$1 result=0 output
  shift
  output=$(firebreak "$@" 2>&1) || result=$?
  case $result in
    0) section "$name: no difference" "$output" ;;
    1) section "$name: they differ" "$output" ;;
    *) section "$name: not complete (exit status $result)" "$output" ;;
  esac
}

compare 'policy diff' policy diff "$before" "$policy"
if (($# > 0)); then compare 'policy backtest' policy backtest --policy "$before" --new "$policy" "$@"; fi
