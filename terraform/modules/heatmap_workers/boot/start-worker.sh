#!/usr/bin/env bash
# Run once by cloud-init, as root: installs what is missing, mounts the model volume, then starts the worker and the
# shipping of its log. An instance that cannot work switches itself off, and the group replaces it: an idle GPU is
# paid for as well.
set -euo pipefail

readonly MOUNT_UNIT="$1"
readonly MOUNT_ATTEMPTS=30
readonly SECONDS_BETWEEN_ATTEMPTS=10
PATH="$PATH:/opt/aws/amazon-cloudwatch-agent/bin"

give_up() {
  echo "start-memorability-worker: $1; switching off" >/dev/console || true
  systemctl poweroff
  exit 1
}

# From Amazon Linux's own repository alone: it is in S3, and no other is to be reached from here.
install_packages() {
  dnf --assumeyes --disablerepo='*' --enablerepo=amazonlinux install \
    amazon-cloudwatch-agent amazon-efs-utils python3.13
}

# A new mount target's name can take minutes to resolve.
mount_volume() {
  local attempt
  for ((attempt = 1; attempt <= MOUNT_ATTEMPTS; attempt++)); do
    if systemctl enable --now "$MOUNT_UNIT"; then
      return 0
    fi
    sleep "$SECONDS_BETWEEN_ATTEMPTS"
  done
  return 1
}

ship_log() {
  amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:/etc/memorability/cloudwatch-agent.json
}

install_packages || give_up "packages could not be installed"
systemctl daemon-reload
ship_log || give_up "the CloudWatch agent does not start"
mount_volume || give_up "$MOUNT_UNIT could not be mounted in $MOUNT_ATTEMPTS attempts"
systemctl enable --now memorability-worker.service || give_up "the worker does not start"
