//! The image, the compose file, the Helm chart and the Kustomize base, judged by the real tools as
//! far as these go without an engine and without a cluster. Each judge is given something broken,
//! too.

// How tools are asked.
mod tool;

// What containers are made of.
mod compose;
mod image;
mod recipe;

// What Kubernetes is given.
mod chart;
mod objects;
mod overlays;
mod shards;
mod unusual;
mod values;
