rules = {
  in  = [{ port = 80, from = ["10.0.0.0/8"] }]
  out = [{ port = 53, from = [] }]
}
