#!/bin/sh
# A Slurm cluster on this machine for `cargo xtask slurm`: one controller and two nodes, `one` and `two`, on loopback, with a munge
# of their own. Nothing of a Slurm that is set up here is touched; all files are in FOLDER.
#
#   cluster.sh start FOLDER         start it, and wait until both nodes are idle
#   cluster.sh kill FOLDER NODE     kill a node's daemon and its job steps (kill -9), as when its machine is lost
#   cluster.sh stop FOLDER          stop everything
#
# Root is needed. On Debian and Ubuntu missing packages (slurm-wlm, munge) are installed.
set -eu

action=$1
folder=$2
export SLURM_CONF="$folder/slurm.conf"
PATH="$PATH:/usr/sbin:/sbin"

fail() {
    echo "$1" >&2
    exit 1
}

install_packages() {
    for program in munged slurmctld slurmd srun; do
        command -v "$program" > /dev/null && continue
        command -v apt-get > /dev/null || fail "there is no $program; install Slurm and munge"
        echo "installing slurm-wlm and munge" >&2
        apt-get install -y --no-install-recommends slurm-wlm munge > "$folder/apt.log" 2>&1 \
            || fail "apt-get cannot install slurm-wlm and munge, see $folder/apt.log; apt-get update may help"
        return
    done
}

write_configuration() {
    host=$(hostname -s)
    cat > "$SLURM_CONF" << END
ClusterName=mnas
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=17817
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SlurmdTimeout=15
InactiveLimit=0
ReturnToService=2
TreeWidth=1000
NodeName=one NodeHostname=$host NodeAddr=127.0.0.1 Port=17818 CPUs=1
NodeName=two NodeHostname=$host NodeAddr=127.0.0.1 Port=17819 CPUs=1
PartitionName=all Nodes=one,two Default=YES MaxTime=INFINITE State=UP
END
}

start_munge() {
    mkdir -p "$folder/munge"
    chmod 755 "$folder/munge"
    dd if=/dev/urandom of="$folder/munge/key" bs=1024 count=1 2> /dev/null
    chmod 400 "$folder/munge/key"
    # The folder may lie anywhere; its permissions are the caller's business.
    munged --force --socket="$folder/munge/socket" --key-file="$folder/munge/key" --pid-file="$folder/munge/pid" \
        --log-file="$folder/munge/log" --seed-file="$folder/munge/seed" 2> "$folder/munge/warnings"
}

wait_for_nodes() {
    for _ in $(seq 100); do
        idle=$(sinfo --noheader --Node --format=%t 2> /dev/null | grep -c '^idle$' || true)
        [ "$idle" = 2 ] && return
        sleep 0.3
    done
    sinfo >&2 || true
    fail "the nodes did not come up, see the logs in $folder"
}

start() {
    [ "$(id -u)" = 0 ] || fail "a Slurm cluster is started by root only"
    mkdir -p "$folder/state" "$folder/spool-one" "$folder/spool-two"
    install_packages
    write_configuration
    start_munge
    slurmctld
    slurmd -N one
    slurmd -N two
    wait_for_nodes
}

# Job steps of a node, by their spool's node name in the command line.
kill_node() {
    daemon=$(cat "$folder/slurmd-$1.pid")
    steps=$(ps -A -o pid=,args= | awk -v name="slurmstepd" '$2 ~ name {print $1}')
    kill -9 "$daemon"
    for step in $steps; do
        grep -qs "SLURMD_NODENAME=$1" "/proc/$step/environ" && kill -9 "$step"
        for child in $(ps -A -o pid=,ppid= | awk -v parent="$step" '$2 == parent {print $1}'); do
            tr '\0' '\n' < "/proc/$child/environ" 2> /dev/null | grep -qx "SLURMD_NODENAME=$1" || continue
            kill -9 "$step" "$child" 2> /dev/null || true
        done
    done
}

stop() {
    for file in slurmd-one.pid slurmd-two.pid slurmctld.pid munge/pid; do
        [ -f "$folder/$file" ] && kill "$(cat "$folder/$file")" 2> /dev/null || true
    done
}

case $action in
    start) start ;;
    kill) kill_node "$3" ;;
    stop) stop ;;
    *) fail "usage: cluster.sh start|kill|stop FOLDER [NODE]" ;;
esac
