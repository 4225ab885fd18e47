//go:build tools

// The peers of ./dev bench that Go modules have; go.sum holds them and all that they need.
package peers

import _ "github.com/minio/minio"
