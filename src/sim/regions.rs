//! The regions of the cloud, and of a product.

use crate::sim::refusal::Refusal;

/// Checks that a product is offered in a region: in these, or in all.
///
/// # Errors
///
/// Returns one refusal for a region of the cloud, and another for an unknown region.
pub(super) fn check(offered: Option<&[String]>, region: &str) -> Result<(), Refusal> {
    let is_offered = match offered {
        Some(offered) => offered.iter().any(|offered| offered == region),
        None => REGIONS.contains(&region),
    };
    if is_offered {
        Ok(())
    } else if REGIONS.contains(&region) {
        Err(Refusal::unsupported_region(region))
    } else {
        Err(Refusal::unknown_region())
    }
}

/// All regions of the cloud.
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
