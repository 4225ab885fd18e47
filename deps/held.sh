#!/bin/bash
# Holds downloaded jars against a list of SHA-256 sums: every jar below the folders is listed with its sum, and none that
# is listed is missing. Poms only choose jars, so the exact set of jars holds them too.
#   usage, in the folder that the list's paths begin in: deps/held.sh LIST FOLDER…
set -euo pipefail
list=$1
shift
diff <(sed 's/^[0-9a-f]*  //' "$list" | LC_ALL=C sort) <(find "$@" -name '*.jar' | LC_ALL=C sort) \
  || { echo "$list: the jars above are missing (<) or not listed (>)"; exit 1; }
sha256sum --quiet --check "$list"
