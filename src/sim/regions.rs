//! Where a product is offered, and where the cloud is at all.

use crate::sim::refusal::Refusal;

/// Whether the region is one of those offered; if not, which of two ways it is refused.
pub(super) fn check(offered: &[String], region: &str) -> Result<(), Refusal> {
    if offered.iter().any(|offered| offered == region) {
        Ok(())
    } else if REGIONS.contains(&region) {
        Err(Refusal::unsupported_region(region))
    } else {
        Err(Refusal::unknown_region())
    }
}

/// The regions that the cloud has, whether or not a product is offered there.
const REGIONS: [&str; 20] = [
    "ap-bangkok",
    "ap-beijing",
    "ap-chengdu",
    "ap-chongqing",
    "ap-guangzhou",
    "ap-hongkong",
    "ap-jakarta",
    "ap-mumbai",
    "ap-nanjing",
    "ap-seoul",
    "ap-shanghai",
    "ap-shanghai-fsi",
    "ap-shenzhen-fsi",
    "ap-singapore",
    "ap-tokyo",
    "eu-frankfurt",
    "na-ashburn",
    "na-siliconvalley",
    "na-toronto",
    "sa-saopaulo",
];
