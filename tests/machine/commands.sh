#!/bin/sh
# Runs what the tests hand over, in the virtual machine.
#
#   commands.sh FOLDER COMMAND...
#
# FOLDER is shared with the tests, who have it at `/mnt` of the system in which COMMAND starts a shell. A file `in/NAME.sh` there is run; what it
# prints becomes `out/NAME.txt`, its exit status `out/NAME.rc`. A file `end` ends the machine.
folder=$1
shift
read -r up _ < /proc/uptime
echo "$up" > "$folder/up"
while [ ! -e "$folder/end" ]; do
    for script in "$folder"/in/*.sh; do
        [ -e "$script" ] || continue
        name=$(basename "$script" .sh)
        mv "$script" "$folder/in/$name.run"
        "$@" /bin/bash "/mnt/in/$name.run" > "$folder/out/$name.txt" 2>&1 < /dev/null
        echo $? > "$folder/out/$name.rc.new"
        mv "$folder/out/$name.rc.new" "$folder/out/$name.rc"
    done
    sleep 0.2
done
sync
poweroff -f
