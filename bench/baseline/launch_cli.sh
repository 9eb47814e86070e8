#!/usr/bin/env bash
# Launches a training instance as people's own scripts do: every id is written into it, the code is packed and copied to S3,
# and one RunInstances follows. No look-ups, no price, no quota, nothing that ends the instance from outside.
# Environment: AWS (the AWS CLI, default aws), WORKDIR, STAGING (s3://…), IMAGE, TYPE, GROUP, PROFILE, USER_DATA (a file).
set -euo pipefail

AWS=${AWS:-aws}

tar czf - -C "$WORKDIR" . | "$AWS" s3 cp --only-show-errors - "$STAGING/code.tar.gz"
"$AWS" ec2 run-instances --output text --query 'Instances[].InstanceId' \
  --image-id "$IMAGE" --instance-type "$TYPE" --security-group-ids "$GROUP" \
  --iam-instance-profile "Name=$PROFILE" --instance-initiated-shutdown-behavior terminate \
  --instance-market-options MarketType=spot --user-data "file://$USER_DATA" \
  --tag-specifications 'ResourceType=instance,Tags=[{Key=Name,Value=bench}]'
