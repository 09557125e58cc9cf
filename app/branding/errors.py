from app.kernel import AppError, Kind, translatable


class BrandRefusedError(AppError):
    """A value of a brand is not on offer; `field` says which."""

    kind = Kind.INVALID
    code = "branding.refused"
    text = translatable("This value cannot be used for the brand: %(field)s.")


class BrandLinkRefusedError(BrandRefusedError):
    """An address leads nowhere: neither https nor a path of the site itself."""

    code = "branding.link_refused"
    text = translatable("Enter an address that begins with https://, or leave the field empty.")


class BrandEmailRefusedError(BrandRefusedError):
    """The text is no e-mail address."""

    code = "branding.email_refused"
    text = translatable("Please enter an e-mail address such as name@example.com.")


class BrandTextTooLongError(BrandRefusedError):
    """A text is longer than its place."""

    code = "branding.text_too_long"
    text = translatable("Please use at most %(most)s characters.")


class BrandLineRefusedError(BrandRefusedError):
    """A text for one line holds line breaks or characters that nobody sees (rule R23)."""

    code = "branding.line_refused"
    text = translatable("Please write this on one line, without special control characters.")


class BrandColourRefusedError(BrandRefusedError):
    """A colour is not written as `#rrggbb`."""

    code = "branding.colour_refused"
    text = translatable("Choose a colour such as #0f6e84.")


class StatementSuffixRefusedError(BrandRefusedError):
    """The words for the card statement are none that the processor prints."""

    code = "branding.statement_refused"
    text = translatable("Use 1 to 10 letters, digits and spaces, with at least one letter.")


class PictureRefusedError(AppError):
    """The file is no picture of a kind that we take, or it is broken."""

    kind = Kind.INVALID
    code = "branding.picture_refused"
    text = translatable("This file is not a PNG, WebP or SVG picture that can be read.")


class PictureTooLargeError(AppError):
    """The file has too many bytes."""

    kind = Kind.INVALID
    code = "branding.picture_too_large"
    text = translatable("This file is too large: at most %(most)s kB.")


class PictureTooWideError(AppError):
    """The picture has too many pixels."""

    kind = Kind.INVALID
    code = "branding.picture_too_wide"
    text = translatable("This picture is too large: at most %(most)s pixels wide and high.")


class PictureTooSmallError(AppError):
    """The picture has too few pixels for what is made of it."""

    kind = Kind.INVALID
    code = "branding.picture_too_small"
    text = translatable("This picture is too small: at least %(least)s pixels wide and high.")


class TooManyPicturesError(AppError):
    """The reseller keeps more pictures than a brand ever needs."""

    kind = Kind.CONFLICT
    code = "branding.too_many_pictures"
    text = translatable("Too many pictures were uploaded lately. Please try again tomorrow.")


class NoDraftError(AppError):
    """There is no draft to publish or discard."""

    kind = Kind.CONFLICT
    code = "branding.no_draft"
    text = translatable("There is no draft. Change something and save it first.")


class DraftChangedError(AppError):
    """Somebody saved the draft after this page was shown."""

    kind = Kind.CONFLICT
    code = "branding.draft_changed"
    text = translatable(
        "The draft was changed by somebody else meanwhile. Look at it again, then repeat this."
    )


class BrandVersionNotFoundError(AppError):
    """The brand has no version of this number."""

    kind = Kind.NOT_FOUND
    code = "branding.version_not_found"
    text = translatable("There is no such version of the brand.")
