output "cluster_name" {
  description = "Name of the cluster, for `aws eks update-kubeconfig --name`."
  value       = aws_eks_cluster.this.name
}

output "cluster_endpoint" {
  description = "Address of the Kubernetes API."
  value       = aws_eks_cluster.this.endpoint
}

output "cluster_certificate_authority" {
  description = "Certificate the API server is verified with, in base64."
  value       = aws_eks_cluster.this.certificate_authority[0].data
  sensitive   = true
}

output "oidc_provider_arn" {
  description = "Identity provider to name in the trust policies of service accounts' roles."
  value       = aws_iam_openid_connect_provider.this.arn
}

output "node_role_arn" {
  description = "Role of the nodes."
  value       = aws_iam_role.this["node"].arn
}

output "bucket" {
  description = "Bucket for artifacts."
  value       = aws_s3_bucket.artifacts.bucket
}

output "vpc_id" {
  description = "VPC of the cluster."
  value       = module.network.vpc_id
}

output "private_subnet_ids" {
  description = "Subnets of the nodes, by zone."
  value       = module.network.private_subnet_ids
}
