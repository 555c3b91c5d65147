# Deploys what `npm run package` made: uploads the archives and creates the stack from the packaged template. docs/terraform.md

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.60"
    }
  }
}

variable "bucket" {
  type        = string
  description = "S3 bucket for the code, in the Region of the stack. Who can write to it decides what Firebreak runs."
}

variable "package" {
  type        = string
  description = "Folder that npm run package wrote."
  default     = "../../.serverless"
}

variable "parameters" {
  type        = map(string)
  description = "Parameters of the packaged template, such as OrganizationId."
  default     = {}
}

data "aws_s3_bucket" "code" {
  bucket = var.bucket
}

locals {
  packaged = jsondecode(file("${var.package}/cloudformation-template-update-stack.json"))

  # The Serverless Framework's own bucket is replaced by yours.
  resources = { for name, resource in local.packaged.Resources : name => resource if !startswith(name, "ServerlessDeploymentBucket") }
  outputs   = { for name, output in local.packaged.Outputs : name => output if !startswith(name, "ServerlessDeploymentBucket") }
  template = replace(
    jsonencode(merge(local.packaged, { Resources = local.resources, Outputs = local.outputs })),
    jsonencode({ Ref = "ServerlessDeploymentBucket" }),
    jsonencode(var.bucket),
  )

  # By function, as in serverless/firebreak/STAGE/TIME/NAME.zip: each packaging has a folder of its own.
  keys   = { for name, resource in local.resources : name => resource.Properties.Code.S3Key if resource.Type == "AWS::Lambda::Function" }
  folder = dirname(values(local.keys)[0])
  stage  = split("/", local.folder)[2]
}

# The stack may have to go back to the former code: it goes after the stack has changed.
resource "aws_s3_object" "code" {
  for_each    = local.keys
  bucket      = var.bucket
  key         = each.value
  source      = "${var.package}/${basename(each.value)}"
  source_hash = filemd5("${var.package}/${basename(each.value)}")

  lifecycle {
    create_before_destroy = true
  }
}

# Larger than CloudFormation takes in a request.
resource "aws_s3_object" "template" {
  bucket       = var.bucket
  key          = "${local.folder}/template.json"
  content      = local.template
  content_type = "application/json"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "firebreak" {
  name         = "firebreak-${local.stage}"
  template_url = "https://${data.aws_s3_bucket.code.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  parameters   = var.parameters
  capabilities = ["CAPABILITY_NAMED_IAM"]
  tags         = { firebreak = local.stage }
  depends_on   = [aws_s3_object.code]
}

output "outputs" {
  description = "Of the stack: SlackRequestUrl and SlackCommandUrl for the Slack app, PageTopicArn for the on-call engineer."
  value       = aws_cloudformation_stack.firebreak.outputs
}
