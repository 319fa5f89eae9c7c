#!/usr/bin/env bash
# build.sh [FOLDER]: etcd, kubectl, kube-apiserver and kube-controller-manager from Debian 12; nothing is installed.
# Without a name the folder is the one in which the tests look. Where they are there already, nothing is done.
# Debian ships only kubectl of Kubernetes 1.20, but its source package is the whole of upstream's tree with all it needs.
# Takes about 7 minutes of a processor and 2.5 GB meanwhile; the result has 270 MB.
set -euo pipefail
folder=$(realpath -m "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/mcp-orchestrator/kubernetes/1.20.2}")
[ ! -x "$folder/kube-apiserver" ] || exit 0
here=$(dirname "$(readlink -f "$0")")
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$here/../debian_programs.sh" bookworm "$work/debian" etcd-server kubernetes-client golang-1.19-go golang-1.19-src \
  golang-github-modern-go-reflect2-dev src:kubernetes

export GOROOT=$work/debian/usr/lib/go-1.19 GOPATH=$work/go GOCACHE=$work/objects
export GO111MODULE=off GOPROXY=off GOFLAGS='' CGO_ENABLED=0
PATH=$GOROOT/bin:$PATH
tree=$GOPATH/src/k8s.io/kubernetes
mkdir -p "$tree"
tar -xf "$work"/debian/src/kubernetes_*.orig.tar.gz -C "$tree" --strip-components=1
cd "$tree"

# The bundled reflect2 does not link with Go 1.18 and newer.
rm vendor/github.com/modern-go/reflect2/*
cp "$work"/debian/usr/share/gocode/src/github.com/modern-go/reflect2/* vendor/github.com/modern-go/reflect2/

# The one generated file that upstream does not keep in the tree: the schema of all kinds, by which an apply merges.
go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
described=$(go list -deps -f '{{if not .Standard}}{{.ImportPath}} {{.Dir}}{{end}}' ./cmd/kube-apiserver |
  while read -r package place; do
    if grep -qs '^// *+k8s:openapi-gen=' "$place"/*.go; then echo "$package"; fi
  done | paste -sd,)
"$work/openapi-gen" --logtostderr --input-dirs "$described" --output-package k8s.io/kubernetes/pkg/generated/openapi \
  --output-base "$GOPATH/src" --output-file-base zz_generated.openapi --report-filename "$work/violations" \
  --go-header-file hack/boilerplate/boilerplate.generatego.txt

version=$(basename "$work"/debian/src/kubernetes_*.orig.tar.gz .orig.tar.gz)
version=${version##*really}
IFS=. read -r major minor _ <<<"$version"
flags="-s -w"
for place in component-base/version client-go/pkg/version; do
  for pair in "gitVersion=v$version" "gitMajor=$major" "gitMinor=$minor" gitTreeState=clean; do
    flags+=" -X k8s.io/kubernetes/vendor/k8s.io/$place.$pair"
  done
done
mkdir "$work/programs"
go build -trimpath -ldflags "$flags" -o "$work/programs/" ./cmd/kube-apiserver ./cmd/kube-controller-manager
mv "$work"/debian/usr/bin/{etcd,kubectl} "$work/programs/"
# Two builds at the same time give the same; the first one stays.
mv -T "$work/programs" "$folder" 2>/dev/null || [ -x "$folder/kube-apiserver" ]
