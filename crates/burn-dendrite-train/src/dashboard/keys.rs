//! The keys of a terminal while a dashboard is on it.

#[cfg(unix)]
pub(super) use unix::{Keys, are_ours};

#[cfg(not(unix))]
pub(super) use elsewhere::{Keys, are_ours};

#[cfg(unix)]
mod unix {
    use std::{
        fs::File,
        io::{self, IsTerminal, Write},
        os::fd::{AsFd, OwnedFd},
        sync::{
            Arc, Once,
            atomic::{AtomicBool, Ordering},
        },
    };

    use nix::{
        libc::_POSIX_VDISABLE,
        sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, tcgetattr, tcsetattr},
        unistd::{getpgrp, tcgetpgrp},
    };
    use ratatui::crossterm::{
        cursor::Show,
        event::DisableMouseCapture,
        execute,
        terminal::{LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    };
    use signal_hook::{
        consts::SIGQUIT, flag, iterator::Signals, low_level::emulate_default_handler,
    };

    /// Whether a dashboard is on the terminal.
    static SHOWN: AtomicBool = AtomicBool::new(false);

    /// The keys, for as long as a dashboard is shown: every one is read as it is pressed, but Ctrl-C
    /// and Ctrl-\, which send SIGINT and SIGQUIT as usual.
    ///
    /// Ctrl-\ is the hard way out: the process ends as SIGQUIT ends it, once the terminal is as it was
    /// before.
    #[derive(Debug)]
    pub(in crate::dashboard) struct Keys(());

    impl Keys {
        pub(in crate::dashboard) fn open() -> io::Result<Self> {
            // burn does so as well, and crossterm does nothing the second time. So the mode stays as
            // it is changed here, and what burn restores in the end is what was before all of it.
            enable_raw_mode()?;
            let keys = Self(());
            let terminal = terminal()?;
            let mut mode = tcgetattr(&terminal)?;
            mode.local_flags |= LocalFlags::ISIG;
            // Nothing could draw the dashboard again after Ctrl-Z.
            let mut without_key = |key| mode.control_chars[key as usize] = _POSIX_VDISABLE;
            without_key(SpecialCharacterIndices::VSUSP);
            #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
            without_key(SpecialCharacterIndices::VDSUSP);
            tcsetattr(&terminal, SetArg::TCSANOW, &mode)?;
            restore_on_quit()?;
            SHOWN.store(true, Ordering::Relaxed);
            Ok(keys)
        }
    }

    impl Drop for Keys {
        fn drop(&mut self) {
            SHOWN.store(false, Ordering::Relaxed);
            // burn has done all of this, but in a panic, when it leaves the cursor hidden.
            let _ = disable_raw_mode();
            let _ = execute!(io::stdout(), Show);
        }
    }

    /// The terminal whose keys crossterm reads.
    fn terminal() -> io::Result<OwnedFd> {
        let input = io::stdin();
        if input.is_terminal() {
            input.as_fd().try_clone_to_owned()
        } else {
            let terminal = File::options().read(true).write(true).open("/dev/tty")?;
            Ok(terminal.into())
        }
    }

    /// Whether there are keys that this process may read: in the background it would be stopped.
    pub(in crate::dashboard) fn are_ours() -> bool {
        let foreground = terminal().and_then(|terminal| Ok(tcgetpgrp(&terminal)?));
        foreground.is_ok_and(|group| group == getpgrp())
    }

    /// From now on SIGQUIT finds the terminal restored; a second one does not wait for that.
    fn restore_on_quit() -> io::Result<()> {
        static ONCE: Once = Once::new();
        let mut result = Ok(());
        ONCE.call_once(|| result = watch_for_quit());
        result
    }

    fn watch_for_quit() -> io::Result<()> {
        let restoring = Arc::new(AtomicBool::new(false));
        flag::register_conditional_default(SIGQUIT, restoring.clone())?;
        flag::register(SIGQUIT, restoring)?;
        let mut signals = Signals::new([SIGQUIT])?;
        std::thread::Builder::new()
            .name("quit".to_owned())
            .spawn(move || {
                for signal in signals.forever() {
                    // Nobody draws over it as long as the stream is locked.
                    let mut stream = io::stdout().lock();
                    if SHOWN.load(Ordering::Relaxed) {
                        restore(&mut stream);
                    }
                    let _ = emulate_default_handler(signal);
                }
            })?;
        Ok(())
    }

    fn restore(stream: &mut impl Write) {
        let _ = execute!(stream, DisableMouseCapture, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Where terminals have no such modes, burn reads all keys, and `q` asks what is wanted.
#[cfg(not(unix))]
mod elsewhere {
    #[derive(Debug)]
    pub(in crate::dashboard) struct Keys(());

    impl Keys {
        pub(in crate::dashboard) fn open() -> std::io::Result<Self> {
            Ok(Self(()))
        }
    }

    pub(in crate::dashboard) fn are_ours() -> bool {
        true
    }
}
