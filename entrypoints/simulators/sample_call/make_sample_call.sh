#!/bin/sh
# Makes sample_call.wav anew: 8 kHz 16-bit mono. Needs espeak-ng and sox.
# Voice, speed and words were chosen by trying: PocketSphinx still understands them after mu-law at 8 kHz.
set -eu

folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
spoken=$(mktemp)
trap 'rm -f "$spoken"' EXIT

espeak-ng -v en-us+steph -s 145 -g 3 --stdout \
	'I would like to order one hundred computers. I am really happy with it today.' >"$spoken"
sox -t wav --ignore-length "$spoken" -r 8000 -b 16 -c 1 "$folder/sample_call.wav" norm -3
