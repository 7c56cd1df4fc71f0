locals {
  # Two identities in front of one folder: what the publisher writes (mode 0755), the reader can only read.
  store_path = "/store"
  publisher  = { uid = 1001, gid = 1001 }
  reader     = { uid = 1002, gid = 1002 }
}

resource "aws_efs_file_system" "store" {
  creation_token   = "${var.prefix}-store"
  encrypted        = true
  kms_key_id       = var.kms_key_arn
  performance_mode = "generalPurpose"
  throughput_mode  = "elastic" # a bursting volume starves when many containers start at once

  tags = { Name = "${var.prefix}-store" }
}

resource "aws_efs_backup_policy" "store" {
  file_system_id = aws_efs_file_system.store.id

  backup_policy {
    status = var.backups ? "ENABLED" : "DISABLED"
  }
}

resource "aws_efs_mount_target" "store" {
  # Keyed by position: the identifiers are not known before the subnets exist.
  for_each = { for index, subnet_id in var.network.subnet_ids : tostring(index) => subnet_id }

  file_system_id  = aws_efs_file_system.store.id
  subnet_id       = each.value
  security_groups = [aws_security_group.mount_targets.id]
}

resource "aws_efs_access_point" "publisher" {
  file_system_id = aws_efs_file_system.store.id

  posix_user {
    uid = local.publisher.uid
    gid = local.publisher.gid
  }

  root_directory {
    path = local.store_path

    creation_info {
      owner_uid   = local.publisher.uid
      owner_gid   = local.publisher.gid
      permissions = "0755"
    }
  }

  tags = { Name = "${var.prefix}-publisher" }
}

resource "aws_efs_access_point" "reader" {
  file_system_id = aws_efs_file_system.store.id

  posix_user {
    uid = local.reader.uid
    gid = local.reader.gid
  }

  root_directory {
    path = local.store_path

    # The same as the publisher's: whichever mounts first creates the folder.
    creation_info {
      owner_uid   = local.publisher.uid
      owner_gid   = local.publisher.gid
      permissions = "0755"
    }
  }

  tags = { Name = "${var.prefix}-reader" }
}
