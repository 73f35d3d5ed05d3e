// The module that ci/rdb-decoder builds its program of, at one version; go.sum has the hashes of
// everything in it.
module decoder

go 1.18

require github.com/hdt3213/rdb v1.3.2
