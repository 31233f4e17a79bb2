//! LiteRT's C API, loaded from its shared library at run time, behind safe types.
//!
//! This is the only file of the workspace with unsafe code, which calls of a C library require: no crate offers bindings
//! that load LiteRT at run time. Signatures are those of `litert/c` in LiteRT 2.1.6 to 2.3.0.
#![allow(unsafe_code, reason = "calls of a C library")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::{null_mut, slice_from_raw_parts};

use libloading::Library as SharedLibrary;

/// Opaque pointer to an object of the library.
type Handle = *mut c_void;
type Status = c_int;

/// Maximum number of dimensions.
const MAX_RANK: usize = 8;
/// Bits of [`Layout::rank`] with the rank; the next bit is set if there are strides.
const RANK_MASK: u32 = 0x7f;
/// Environment option: bit mask of the accelerators to register.
const ENVIRONMENT_ACCELERATORS: c_int = 24;
/// Environment option: minimum severity of log messages on standard error.
const ENVIRONMENT_LOG_SEVERITY: c_int = 25;
const LOG_ERRORS: i64 = 3;
const ANY_INTEGER: c_int = 2;
/// CPU accelerator, which uses XNNPACK.
const ACCELERATOR_CPU: c_int = 1;
const LOCK_TO_READ: c_int = 0;
const LOCK_TO_WRITE: c_int = 1;
/// Index of the only signature of a file.
const SIGNATURE: usize = 0;

/// LiteRT's `LiteRtAny` of an integer, which is aligned to 8 bytes within an option.
#[repr(C)]
struct AnyInteger {
    kind: c_int,
    value: i64,
}

#[repr(C)]
struct EnvironmentOption {
    tag: c_int,
    value: AnyInteger,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Layout {
    rank: u32,
    dimensions: [i32; MAX_RANK],
    strides: [u32; MAX_RANK],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct RankedType {
    element: c_int,
    layout: Layout,
}

macro_rules! api {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)? = $symbol:literal;)*) => {
        /// Functions of the library.
        struct Api { $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)* }

        impl Api {
            /// Looks up all functions.
            fn find(library: &SharedLibrary) -> Result<Self, Fault> {
                $(
                    // SAFETY: the type is that of the function in LiteRT's headers, and the library is never unloaded.
                    let $name = *unsafe { library.get(concat!($symbol, "\0").as_bytes()) }
                        .map_err(|_| Fault::TooOld($symbol))?;
                )*
                Ok(Self { $($name),* })
            }
        }
    };
}

api! {
    create_environment: fn(c_int, *const EnvironmentOption, *mut Handle) -> Status = "LiteRtCreateEnvironment";
    create_model: fn(Handle, *const c_void, usize, *mut Handle) -> Status = "LiteRtCreateModelFromBuffer";
    destroy_model: fn(Handle) = "LiteRtDestroyModel";
    signature: fn(Handle, usize, *mut Handle) -> Status = "LiteRtGetModelSignature";
    count_inputs: fn(Handle, *mut usize) -> Status = "LiteRtGetNumSignatureInputs";
    count_outputs: fn(Handle, *mut usize) -> Status = "LiteRtGetNumSignatureOutputs";
    input_name: fn(Handle, usize, *mut *const c_char) -> Status = "LiteRtGetSignatureInputName";
    output_name: fn(Handle, usize, *mut *const c_char) -> Status = "LiteRtGetSignatureOutputName";
    input_tensor: fn(Handle, usize, *mut Handle) -> Status = "LiteRtGetSignatureInputTensorByIndex";
    output_tensor: fn(Handle, usize, *mut Handle) -> Status = "LiteRtGetSignatureOutputTensorByIndex";
    ranked_type: fn(Handle, *mut RankedType) -> Status = "LiteRtGetRankedTensorType";
    create_options: fn(*mut Handle) -> Status = "LiteRtCreateOptions";
    destroy_options: fn(Handle) = "LiteRtDestroyOptions";
    set_accelerators: fn(Handle, c_int) -> Status = "LiteRtSetOptionsHardwareAccelerators";
    create_opaque_options:
        fn(*const c_char, *mut c_void, unsafe extern "C" fn(*mut c_void), *mut Handle) -> Status
        = "LiteRtCreateOpaqueOptions";
    add_opaque_options: fn(Handle, Handle) -> Status = "LiteRtAddOpaqueOptions";
    compile: fn(Handle, Handle, Handle, *mut Handle) -> Status = "LiteRtCreateCompiledModel";
    destroy_compiled: fn(Handle) = "LiteRtDestroyCompiledModel";
    is_fully_accelerated: fn(Handle, *mut bool) -> Status = "LiteRtCompiledModelIsFullyAccelerated";
    input_requirements: fn(Handle, usize, usize, *mut Handle) -> Status = "LiteRtGetCompiledModelInputBufferRequirements";
    output_requirements:
        fn(Handle, usize, usize, *mut Handle) -> Status = "LiteRtGetCompiledModelOutputBufferRequirements";
    create_buffer:
        fn(Handle, *const RankedType, Handle, *mut Handle) -> Status = "LiteRtCreateManagedTensorBufferFromRequirements";
    destroy_buffer: fn(Handle) = "LiteRtDestroyTensorBuffer";
    packed_size: fn(Handle, *mut usize) -> Status = "LiteRtGetTensorBufferPackedSize";
    lock: fn(Handle, *mut *mut c_void, c_int) -> Status = "LiteRtLockTensorBuffer";
    unlock: fn(Handle) -> Status = "LiteRtUnlockTensorBuffer";
    run: fn(Handle, usize, usize, *const Handle, usize, *const Handle) -> Status = "LiteRtRunCompiledModel";
}

/// Function that exists only in versions with the binary interface that this file expects.
const NEWEST_SYMBOL: &str = "LiteRtCreateModelFromFd";

/// Error of the library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Unloadable(String),
    #[error("it has no function `{0}`")]
    TooOld(&'static str),
    #[error("{function} returned status {status}")]
    Status { function: &'static str, status: c_int },
    #[error("`{name}` has elements of type {element} instead of 32-bit floats")]
    NotFloats { name: String, element: c_int },
    #[error("the buffer of `{name}` has {found} bytes instead of {expected}")]
    WrongSize {
        name: String,
        found: usize,
        expected: usize,
    },
}

fn check(function: &'static str, status: Status) -> Result<(), Fault> {
    if status == 0 {
        Ok(())
    } else {
        Err(Fault::Status { function, status })
    }
}

/// Calls a function that stores an object through its last argument.
fn obtain(function: &'static str, call: impl FnOnce(*mut Handle) -> Status) -> Result<Handle, Fault> {
    let mut handle = null_mut();
    check(function, call(&raw mut handle))?;
    Ok(handle)
}

/// Loaded library with its environment. It is never unloaded, since LiteRT crashes when unloaded.
pub(super) struct Library {
    api: Api,
    environment: Handle,
}

// SAFETY: function pointers can be shared, and LiteRT only reads the environment after its creation.
unsafe impl Send for Library {}
// SAFETY: as above.
unsafe impl Sync for Library {}

impl Library {
    /// Loads the library and creates an environment with the CPU accelerator only, which logs only errors.
    pub fn load(path: &Path) -> Result<&'static Self, Fault> {
        // SAFETY: loading runs the library's initialisers; the user chooses the path, as for any program.
        let library = unsafe { SharedLibrary::new(path) }.map_err(|error| Fault::Unloadable(error.to_string()))?;
        // SAFETY: the symbol is looked up but not called.
        if unsafe { library.get::<*const c_void>(NEWEST_SYMBOL.as_bytes()) }.is_err() {
            return Err(Fault::TooOld(NEWEST_SYMBOL));
        }
        let api = Api::find(&library)?;
        std::mem::forget(library);
        let settings = [
            (ENVIRONMENT_LOG_SEVERITY, LOG_ERRORS),
            (ENVIRONMENT_ACCELERATORS, i64::from(ACCELERATOR_CPU)),
        ];
        let options = settings.map(|(tag, value)| EnvironmentOption {
            tag,
            value: AnyInteger {
                kind: ANY_INTEGER,
                value,
            },
        });
        let environment = obtain("LiteRtCreateEnvironment", |out| {
            // SAFETY: the options are valid during the call, which copies them.
            unsafe { (api.create_environment)(options.len() as c_int, options.as_ptr(), out) }
        })?;
        Ok(Box::leak(Box::new(Self { api, environment })))
    }
}

/// Options of compilation, destroyed when dropped.
struct Options {
    library: &'static Library,
    handle: Handle,
}

impl Options {
    /// Options for the CPU with this number of threads.
    fn new(library: &'static Library, threads: usize) -> Result<Self, Fault> {
        let api = &library.api;
        // SAFETY (here and below): arguments are valid handles, and pointers to places that live through the call.
        let handle = obtain("LiteRtCreateOptions", |out| unsafe { (api.create_options)(out) })?;
        let options = Self { library, handle };
        check("LiteRtSetOptionsHardwareAccelerators", unsafe {
            (api.set_accelerators)(handle, ACCELERATOR_CPU)
        })?;
        let text = CString::new(format!("num_threads = {threads}\n")).expect("the text has no zero byte");
        let opaque = obtain("LiteRtCreateOpaqueOptions", |out| {
            let text = text.into_raw();
            // SAFETY: the library passes the text to the deleter when it destroys the options.
            let status = unsafe { (api.create_opaque_options)(c"xnnpack".as_ptr(), text.cast(), drop_text, out) };
            if status != 0 {
                // SAFETY: after a failed call, the library does not own the text.
                drop(unsafe { CString::from_raw(text) });
            }
            status
        })?;
        check("LiteRtAddOpaqueOptions", unsafe {
            (api.add_opaque_options)(handle, opaque)
        })?;
        Ok(options)
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: the handle is valid and is not used afterwards.
        unsafe { (self.library.api.destroy_options)(self.handle) }
    }
}

/// Frees the text of opaque options.
unsafe extern "C" fn drop_text(text: *mut c_void) {
    // SAFETY: `Options::new` created the pointer from a `CString`.
    drop(unsafe { CString::from_raw(text.cast()) });
}

/// Side of a signature: inputs or outputs.
#[derive(Clone, Copy)]
enum Side {
    Input,
    Output,
}

/// Model that is ready to run, with buffers for its inputs and outputs.
pub(super) struct CompiledModel {
    library: &'static Library,
    model: Handle,
    compiled: Handle,
    pub inputs: Vec<Buffer>,
    pub outputs: Vec<Buffer>,
    /// Content of the file, to which the model refers.
    _file: Box<[u8]>,
}

// SAFETY: handles are used by one thread at a time, since every call needs `&mut self` or `&self` of a type that is not
// `Sync`, and LiteRT's objects are bound to no thread.
unsafe impl Send for CompiledModel {}

impl CompiledModel {
    /// Compiles a TFLite file for the CPU with this number of threads.
    pub fn new(library: &'static Library, file: &[u8], threads: usize) -> Result<Self, Fault> {
        let api = &library.api;
        let file: Box<[u8]> = file.into();
        // SAFETY: the model keeps a pointer to the file, which `Self` owns for as long as the model.
        let model = obtain("LiteRtCreateModelFromBuffer", |out| unsafe {
            (api.create_model)(library.environment, file.as_ptr().cast(), file.len(), out)
        })?;
        let mut this = Self {
            library,
            model,
            compiled: null_mut(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            _file: file,
        };
        let options = Options::new(library, threads)?;
        // SAFETY: all handles are valid; the compiled model copies the options.
        this.compiled = obtain("LiteRtCreateCompiledModel", |out| unsafe {
            (api.compile)(library.environment, model, options.handle, out)
        })?;
        this.inputs = this.buffers(Side::Input)?;
        this.outputs = this.buffers(Side::Output)?;
        Ok(this)
    }

    /// Creates the buffers of one side of the signature.
    fn buffers(&self, side: Side) -> Result<Vec<Buffer>, Fault> {
        let api = &self.library.api;
        // SAFETY (here and below): handles are valid, and pointers to places that live through the call.
        let signature = obtain("LiteRtGetModelSignature", |out| unsafe {
            (api.signature)(self.model, SIGNATURE, out)
        })?;
        let mut count = 0;
        let status = match side {
            Side::Input => unsafe { (api.count_inputs)(signature, &raw mut count) },
            Side::Output => unsafe { (api.count_outputs)(signature, &raw mut count) },
        };
        check("LiteRtGetNumSignatureTensors", status)?;
        (0..count).map(|index| self.buffer(side, signature, index)).collect()
    }

    fn buffer(&self, side: Side, signature: Handle, index: usize) -> Result<Buffer, Fault> {
        let api = &self.library.api;
        let (name_of, tensor_of, requirements_of) = match side {
            Side::Input => (api.input_name, api.input_tensor, api.input_requirements),
            Side::Output => (api.output_name, api.output_tensor, api.output_requirements),
        };
        let mut name = std::ptr::null();
        // SAFETY (here and below): handles are valid, and pointers to places that live through the call.
        check("LiteRtGetSignatureTensorName", unsafe {
            name_of(signature, index, &raw mut name)
        })?;
        // SAFETY: the name is a C string of the model, copied here.
        let name = unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
        let tensor = obtain("LiteRtGetSignatureTensorByIndex", |out| unsafe {
            tensor_of(signature, index, out)
        })?;
        let mut ranked = RankedType {
            element: 0,
            layout: Layout {
                rank: 0,
                dimensions: [0; MAX_RANK],
                strides: [0; MAX_RANK],
            },
        };
        check("LiteRtGetRankedTensorType", unsafe {
            (api.ranked_type)(tensor, &raw mut ranked)
        })?;
        let requirements = obtain("LiteRtGetCompiledModelBufferRequirements", |out| unsafe {
            requirements_of(self.compiled, SIGNATURE, index, out)
        })?;
        let handle = obtain("LiteRtCreateManagedTensorBufferFromRequirements", |out| unsafe {
            (api.create_buffer)(self.library.environment, &raw const ranked, requirements, out)
        })?;
        let rank = (ranked.layout.rank & RANK_MASK) as usize;
        let shape = ranked.layout.dimensions[..rank.min(MAX_RANK)]
            .iter()
            .map(|size| *size as usize);
        let mut buffer = Buffer {
            library: self.library,
            handle,
            name,
            element: ranked.element,
            shape: shape.collect(),
            bytes: 0,
        };
        check("LiteRtGetTensorBufferPackedSize", unsafe {
            (api.packed_size)(handle, &raw mut buffer.bytes)
        })?;
        Ok(buffer)
    }

    /// Checks whether XNNPACK executes the whole graph.
    pub fn is_fully_accelerated(&self) -> Result<bool, Fault> {
        let mut is_full = false;
        // SAFETY: the handle is valid, and the place lives through the call.
        let status = unsafe { (self.library.api.is_fully_accelerated)(self.compiled, &raw mut is_full) };
        check("LiteRtCompiledModelIsFullyAccelerated", status)?;
        Ok(is_full)
    }

    /// Runs one inference from the input buffers to the output buffers.
    pub fn run(&mut self) -> Result<(), Fault> {
        let handles = |buffers: &[Buffer]| buffers.iter().map(|buffer| buffer.handle).collect::<Vec<_>>();
        let (inputs, outputs) = (handles(&self.inputs), handles(&self.outputs));
        // SAFETY: all handles are valid, and the arrays live through the call.
        check("LiteRtRunCompiledModel", unsafe {
            (self.library.api.run)(
                self.compiled,
                SIGNATURE,
                inputs.len(),
                inputs.as_ptr(),
                outputs.len(),
                outputs.as_ptr(),
            )
        })
    }
}

impl Drop for CompiledModel {
    fn drop(&mut self) {
        // The compiled model refers to the model, and so is destroyed first; buffers only must not outlive the environment.
        self.inputs.clear();
        self.outputs.clear();
        let api = &self.library.api;
        // SAFETY: the handles are valid and are not used afterwards.
        unsafe {
            if !self.compiled.is_null() {
                (api.destroy_compiled)(self.compiled);
            }
            (api.destroy_model)(self.model);
        }
    }
}

/// Buffer of an input or output.
pub(super) struct Buffer {
    library: &'static Library,
    handle: Handle,
    /// Name in the signature.
    pub name: String,
    /// Element type, as numbered in TFLite's C API.
    pub element: c_int,
    /// Sizes of the dimensions.
    pub shape: Vec<usize>,
    /// Size in bytes.
    pub bytes: usize,
}

impl Buffer {
    /// Copies `bytes` into the buffer.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if bytes.len() != self.bytes {
            return Err(Fault::WrongSize {
                name: self.name.clone(),
                found: bytes.len(),
                expected: self.bytes,
            });
        }
        let memory = self.lock(LOCK_TO_WRITE)?;
        // SAFETY: the locked memory has `self.bytes` bytes, and nothing else refers to it.
        unsafe { memory.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.unlock()
    }

    /// Returns a copy of the content.
    pub fn read(&self) -> Result<Vec<u8>, Fault> {
        let memory = self.lock(LOCK_TO_READ)?;
        // SAFETY: the locked memory has `self.bytes` bytes, and nothing writes to it until it is unlocked.
        let bytes = unsafe { &*slice_from_raw_parts(memory, self.bytes) }.to_vec();
        self.unlock()?;
        Ok(bytes)
    }

    fn lock(&self, mode: c_int) -> Result<*mut u8, Fault> {
        let memory = obtain("LiteRtLockTensorBuffer", |out| {
            // SAFETY: the handle is valid, and the place lives through the call.
            unsafe { (self.library.api.lock)(self.handle, out, mode) }
        })?;
        Ok(memory.cast())
    }

    fn unlock(&self) -> Result<(), Fault> {
        // SAFETY: the handle is valid and locked.
        check("LiteRtUnlockTensorBuffer", unsafe {
            (self.library.api.unlock)(self.handle)
        })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the handle is valid and is not used afterwards.
        unsafe { (self.library.api.destroy_buffer)(self.handle) }
    }
}
