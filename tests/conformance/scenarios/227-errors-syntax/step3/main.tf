foo = 1
bar {
}
resorce "terraform_data" "x" {
}
variabel "x" {
}
