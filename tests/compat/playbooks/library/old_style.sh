#!/bin/sh
. "$1"
echo "{\"changed\": true, \"msg\": \"$text\"}"
