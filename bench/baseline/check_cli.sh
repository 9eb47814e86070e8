#!/usr/bin/env bash
# What runs, as people ask the AWS CLI for it: each region in turn, and a line an instance.
# Environment: AWS (the AWS CLI, default aws).
set -euo pipefail

AWS=${AWS:-aws}

# shellcheck disable=SC2016 # the backticks are JMESPath's
for region in $("$AWS" ec2 describe-regions --query 'Regions[].RegionName' --output text); do
  "$AWS" ec2 describe-instances --region "$region" \
    --filters Name=instance-state-name,Values=running \
    --query 'Reservations[].Instances[].[InstanceId,InstanceType,Placement.AvailabilityZone,LaunchTime,Tags[?Key==`Name`]|[0].Value]' \
    --output text
done
