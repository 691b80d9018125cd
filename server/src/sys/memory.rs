//! Needs less memory: gives back what only starting has needed, and keeps one heap instead of many.

#![allow(unsafe_code)]

use std::ffi::c_void;

/// Lets all threads allocate from one heap. Each would have one of its own otherwise, which is faster for
/// those that allocate all the time and a waste for the others. For the beginning of a process.
pub fn share_one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: setting a number. That it is not known is no error: the heaps stay as they are.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1)
    };
}

/// Gives back what only starting has needed. For the moment when all is set up.
pub fn release_start() {
    release_freed();
    release_program_pages();
}

fn release_freed() {
    #[cfg(target_env = "gnu")]
    // SAFETY: what is in use is left alone.
    unsafe {
        libc::malloc_trim(0)
    };
}

/// Lets go of the pages of the program file that were mapped while it started: most are never
/// needed again. One that is comes back from the system's cache of files, without a read.
///
/// Only segments that can never be written are let go of, so nothing can be lost. That it is not
/// done, for whatever reason, is no error: the pages stay where they are.
fn release_program_pages() {
    // SAFETY: the callback is of the type that is asked for, and takes no data.
    unsafe { libc::dl_iterate_phdr(Some(release), std::ptr::null_mut()) };
}

/// Called for the program itself first, and then for each of its libraries.
unsafe extern "C" fn release(
    info: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    _data: *mut c_void,
) -> libc::c_int {
    // SAFETY: the loader gives a valid object, whose headers are mapped as long as it is.
    let (base, headers) = unsafe {
        let info = &*info;
        (info.dlpi_addr, std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)))
    };
    // SAFETY: asking for a number.
    let page = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
    for header in headers {
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        // The pages at the ends are mapped for the neighbouring segments as well, where they are
        // other mappings: only whole pages of this one count.
        let from = (base + header.p_vaddr).next_multiple_of(page);
        let to = (base + header.p_vaddr + header.p_memsz) / page * page;
        if let (Ok(from), Ok(len)) =
            (usize::try_from(from), usize::try_from(to.saturating_sub(from)))
        {
            // SAFETY: the range lies in one mapping of a file that was never written to, so that
            // each of its pages can be read again as it was.
            unsafe { libc::madvise(from as *mut c_void, len, libc::MADV_DONTNEED) };
        }
    }
    // The libraries are small, and shared with others.
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test below, alone in its process: others would ask for their pages again.
    const ALONE: &str = "RUNYARD_TEST_ALONE";

    fn mapped_file_bytes() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("RssFile:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    #[test]
    fn the_program_goes_on_with_less() {
        if std::env::var_os(ALONE).is_none() {
            let name = "sys::memory::tests::the_program_goes_on_with_less";
            let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
            let output = alone.args(["--exact", name]).env(ALONE, "1").output().unwrap();
            let words = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && words.contains("1 passed"), "{words}");
            return;
        }
        let before = mapped_file_bytes();
        release_program_pages();
        let after = mapped_file_bytes();
        assert!(after < before / 2, "{before} bytes before, {after} after");
    }
}
