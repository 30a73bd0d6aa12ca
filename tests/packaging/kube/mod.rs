//! The image, the compose file, the Helm chart and the Kustomize base, checked by the real tools as
//! far as possible without a container engine and a cluster. Each check must also find an error in
//! broken input.

// Runs the tools.
mod helm;
mod tool;

// The image and the compose file.
mod compose;
mod image;
mod recipe;

// The chart and the Kustomize base.
mod chart;
mod objects;
mod overlays;
mod shards;
mod unusual;
mod values;
mod wrong_values;
